// Puts one event together from a query, a response or both. Columns as in Zeek's dns.log, see README.md.
#pragma once

#include "flow/context.h"
#include "flow/protocol.h"
#include "protocols/dns/dns.gen.h"
#include "protocols/dns/pending.h"
#include "protocols/dns/rdata.h"

namespace catenary::dns {

inline constexpr std::size_t kAnswersMax = 64, kSectionMax = 16, kMoreQueriesMax = 8;  // the schema's caps

// Texts of a list, in the order they came.
template <std::size_t kMax>
struct Texts {
  std::array<std::string_view, kMax> items;
  std::size_t count = 0;

  bool is_full() const noexcept { return count == kMax; }
  void add(std::string_view text) noexcept { items[count++] = text; }
  std::span<const std::string_view> span() const noexcept { return {items.data(), count}; }
};

// Where an event is put together; too large to be a flow's. One for the worker.
struct Workshop final : flow::Shared {
  TextArena text;
  Question question, asked;
  Record record;
  Texts<kAnswersMax> answers;
  std::array<double, kAnswersMax> ttls;
  std::array<std::uint16_t, kAnswersMax> answer_types;
  Texts<kSectionMax> auth, addl, more_answers;
  Texts<kMoreQueriesMax> more_queries;
  PendingBudget budget;
};

// What is odd about a message, each thing once.
class Notes {
 public:
  explicit Notes(flow::Context& cx) noexcept : cx_(cx) {}
  void add(Weird weird) {
    const std::uint64_t bit = std::uint64_t{1} << (static_cast<unsigned>(weird) & 63);  // ours are neighbours
    if ((seen_ & bit) == 0) cx_.weird(weird);
    seen_ |= bit;
  }

 private:
  flow::Context& cx_;
  std::uint64_t seen_ = 0;
};

class Composer {
 public:
  Composer(Workshop& workshop, Manner manner, Notes& notes) noexcept;

  void add_query(Bytes message);
  // `query` may be empty. True when the response counts as an answer: Zeek tells AA, RA and rtt only then.
  bool add_response(Bytes message, Bytes query);
  // The event, whose views live until the next one is composed.
  DnsEvent& finish() noexcept;

 private:
  using Section = Texts<kSectionMax>;

  bool read_questions(Bytes message, const Header& h, std::size_t& at);
  bool next_record(Bytes message, std::size_t& at);
  bool skip_records(Bytes message, std::size_t count, std::size_t& at);
  bool add_answers(Bytes message, const Header& h, std::size_t& at);
  // RFC 2136: prerequisites and updates. Of a query they go to more_answers.
  bool add_updates(Bytes message, const Header& h, std::size_t& at, bool of_query);
  std::string_view update_text(Bytes message, bool is_prerequisite);
  void add_section(Bytes message, std::size_t count, std::size_t& at, bool& is_whole, Section& out);
  void add_option(const Record& r, bool is_response) noexcept;
  void compare_question();
  void note(const Rendered& r);
  void note_limit();
  void has_counted(Bytes message, const Header& h) noexcept;
  void list(const Record& r, std::string_view text) noexcept;
  std::string_view copy(std::string_view text) noexcept;
  std::string_view lower(std::string_view text) noexcept;
  std::string_view numbered(std::string_view known, std::string_view word, unsigned number) noexcept;
  void set_question(const Header& h, const Question& q);

  Workshop& w_;
  Manner manner_;
  Notes& notes_;
  DnsEvent e_;
  bool has_counted_ = false, has_asked_ = false;
  std::size_t question_mark_ = 0;  // where the texts of the last question begin
};

// Whether questions and answers of a message can be passed: then it is DNS.
bool is_well_formed(Bytes message, Manner manner) noexcept;

}  // namespace catenary::dns
