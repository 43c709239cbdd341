// The body of one message: counted, decoded, cut into parts, and given to the file tracker.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "files/tracker.h"
#include "flow/protocol.h"
#include "protocols/http/decoder.h"
#include "protocols/http/multipart.h"
#include "protocols/http/range_file.h"
#include "protocols/http/text.h"
#include "protocols/http/transaction.h"

namespace catenary::http {

// What the parsers of one worker share: memory that is too much to be held for each flow.
struct Worker : flow::Shared {
  static constexpr std::size_t kSpareMax = 64;

  // A flow that was handed over (CONNECT, Upgrade) may carry HTTP again: its transactions and files count on.
  struct Counted {
    Uid uid;
    std::uint32_t trans_depth = 0, orig_files = 0, resp_files = 0;
  };
  static constexpr std::size_t kCountedMax = 64;  // the most recent

  void on_time(Nanos now, event::Batcher& events, event::WeirdLog&) override { due = ranges.expire(now, events); }
  void on_finish(event::Batcher& events, event::WeirdLog&) override { ranges.close_all(events); }

  DecoderPool decoders;
  RangeFiles ranges;
  TextBudget texts;
  std::vector<std::unique_ptr<Transaction>> spare;
  std::string scratch;
  std::array<Counted, kCountedMax> counted{};
  std::size_t next_counted = 0;
};

// How the headers describe the body.
struct BodyPlan {
  Coding coding = Coding::kIdentity;
  std::string_view boundary;           // of a multipart body
  std::string_view file_name;          // as escaped in its header
  std::optional<std::uint64_t> total;  // its size, when a header says it
  std::optional<Range> range;          // a part of a file, RFC 9110 14
};

class Body : PartSink {
 public:
  static constexpr std::uint32_t kPartsMax = 100;

  void start(Worker& worker, Transaction& tx, flow::Dir dir, const BodyPlan& plan);
  void bytes(flow::Context& cx, Bytes chunk);
  // `n` bytes are lost; they count into the length when all of them are known to be of this body.
  void gap(flow::Context& cx, std::uint64_t n, bool is_inside);
  void end(flow::Context& cx, catenary::files::End how);

  bool is_open() const noexcept { return tx_ != nullptr; }
  // Decoded, lost bytes included: Zeek's body_len.
  std::uint64_t length() const noexcept { return length_; }
  // Counts files of the flow and direction.
  std::uint32_t file_count = 0;

 private:
  void clear_bytes(Bytes chunk);
  void file_bytes(Bytes chunk);
  void open_file();
  void close_file(catenary::files::End how);
  void start_range(const Range& range);
  void range_bytes(Bytes chunk);
  void build_url(std::string& url) const;
  void stop_decoding(Weird why);

  void on_part_header(std::string_view line) override;
  void on_part_bytes(Bytes content) override { file_bytes(content); }
  void on_part_end() override;

  Worker* worker_ = nullptr;
  Transaction* tx_ = nullptr;
  flow::Context* cx_ = nullptr;  // of the call being made
  flow::Dir dir_{};
  bool is_coded_ = false, is_partial_ = false, is_multipart_ = false, is_decoded_ = false;
  bool is_range_ = false;
  std::optional<Range> range_;
  std::uint64_t range_at_ = 0;  // of the next byte in the file
  RangeFiles::Handle range_file_;
  std::uint32_t named_range_ = 0;  // the serial of the file that the transaction names
  std::unique_ptr<Decoder> decoder_;
  Multipart multipart_;
  std::string file_name_;
  std::optional<std::uint64_t> total_;
  std::uint64_t length_ = 0;
  std::uint32_t parts_ = 0;
  catenary::files::File* file_ = nullptr;
};

}  // namespace catenary::http
