#include "protocols/dns/compose.h"

#include <algorithm>

#include "protocols/dns/names.h"

namespace catenary::dns {

Composer::Composer(Workshop& workshop, Manner manner, Notes& notes) noexcept
    : w_(workshop), manner_(manner), notes_(notes) {
  w_.text.reset();
  w_.answers.count = w_.auth.count = w_.addl.count = w_.more_answers.count = w_.more_queries.count = 0;
}

std::string_view Composer::copy(std::string_view text) noexcept {
  if (!w_.text.has_room()) return {};
  w_.text.begin();
  return w_.text.put(text).end();
}

std::string_view Composer::lower(std::string_view text) noexcept {
  if (!w_.text.has_room()) return {};
  w_.text.begin();
  return w_.text.lower(text).end();
}

std::string_view Composer::numbered(std::string_view known, std::string_view word, unsigned number) noexcept {
  if (!known.empty() || !w_.text.has_room()) return known;
  w_.text.begin();
  return w_.text.put(word).number(number).end();
}

void Composer::note(const Rendered& r) {
  if (r.is_length_wrong) notes_.add(Weird::dns_rdata_length_wrong);
  if (r.name != NameFault::kNone) notes_.add(weird_of(r.name));
}

void Composer::note_limit() {
  notes_.add(Weird::dns_record_limit);
  e_.cut = true;
}

void Composer::set_question(const Header& h, const Question& q) {
  // The last question is `query`, as in Zeek; the first of the others are told beside it.
  if (e_.query && w_.more_queries.is_full()) {
    e_.cut = true;
    w_.text.rewind(question_mark_);
  } else if (e_.query) {
    w_.more_queries.add(*e_.query);
  }
  question_mark_ = w_.text.mark();
  const std::string_view wire = q.name.view();
  const std::string_view asked = lower(wire);
  e_.query = asked;
  e_.original_query.reset();
  if (asked != wire && !manner_.is_netbios) e_.original_query = copy(wire);
  e_.qclass = q.klass;
  e_.qclass_name = numbered(class_name(q.klass), "qclass-", q.klass);
  e_.qtype = q.type;
  e_.qtype_name = numbered(type_name(q.type), "query-", q.type);
  e_.RD = h.rd();
  e_.TC = h.tc();
  e_.Z = h.z();
  if (!manner_.is_netbios) return;
  char name[16];
  const std::size_t size = decode_netbios(wire, name);
  if (size > 0) e_.query = copy({name, size});
  if (q.type == type::kNbstat) e_.qtype_name = "NBSTAT";
}

bool Composer::read_questions(Bytes message, const Header& h, std::size_t& at) {
  const bool is_zone = h.opcode() == opcode::kUpdate && !manner_.is_netbios;
  if (h.questions > manner_.questions_max()) {
    notes_.add(Weird::dns_question_count_not_one);
    return false;
  }
  Question& q = h.is_response() ? w_.question : w_.asked;
  for (unsigned i = 0; i < h.questions; i++) {
    if (!read_question(message, at, manner_.is_netbios, q)) {
      notes_.add(weird_of(q.name.fault));
      return false;
    }
    if (q.name.fault != NameFault::kNone) notes_.add(weird_of(q.name.fault));
    if (h.is_response()) continue;
    if (!is_zone) {
      set_question(h, q);
      has_asked_ = true;
    } else if (!w_.more_queries.is_full()) {
      w_.more_queries.add(lower(q.name.view()));
    }
  }
  return true;
}

bool Composer::next_record(Bytes message, std::size_t& at) {
  if (read_record(message, at, manner_.is_netbios, w_.record)) {
    if (w_.record.name.fault != NameFault::kNone) notes_.add(weird_of(w_.record.name.fault));
    return true;
  }
  notes_.add(weird_of(w_.record.name.fault));
  return false;
}

bool Composer::skip_records(Bytes message, std::size_t count, std::size_t& at) {
  for (; count > 0; count--) {
    if (!next_record(message, at)) return false;
  }
  return true;
}

void Composer::add_query(Bytes message) {
  Header h;
  if (!read_header(message, h)) return;
  e_.trans_id = h.id;
  e_.request_flags = h.flags;
  e_.request_bytes = static_cast<std::uint16_t>(std::min<std::size_t>(message.size(), 0xffff));
  e_.opcode = h.opcode();
  // RFC 9619: one question; RFC 6762 5.3 lets mDNS ask several at once.
  if (h.questions != 1 && !manner_.is_mdns) notes_.add(Weird::dns_question_count_not_one);
  std::size_t at = kHeaderBytes;
  if (!read_questions(message, h, at)) return;
  if (h.opcode() == opcode::kUpdate && !manner_.is_netbios) {
    if (!add_updates(message, h, at, true)) return;
  } else if (!skip_records(message, h.answers + std::size_t{h.authorities}, at)) {
    return;
  }
  for (unsigned i = 0; i < h.additionals; i++) {
    if (!next_record(message, at)) return;
    if (w_.record.type == type::kOpt) add_option(w_.record, false);
  }
  if (at < message.size()) notes_.add(Weird::dns_trailing_bytes);
}

// RFC 6891 6.1.3: the TTL holds more of the response code, the version and flags.
void Composer::add_option(const Record& r, bool is_response) noexcept {
  const auto more_rcode = static_cast<std::uint16_t>(r.ttl >> 24 << 4);
  if (is_response) {
    e_.rcode = static_cast<std::uint16_t>(*e_.rcode | more_rcode);
    return;
  }
  e_.edns_version = static_cast<std::uint8_t>(r.ttl >> 16 & 0xff);
  e_.edns_udp_size = r.klass;
}

void Composer::compare_question() {
  const std::string_view a = w_.asked.name.view(), b = w_.question.name.view();
  const auto is_same_letter = [](char x, char y) noexcept { return to_lower(x) == to_lower(y); };
  if (w_.asked.type != w_.question.type || !std::equal(a.begin(), a.end(), b.begin(), b.end(), is_same_letter)) {
    notes_.add(Weird::dns_response_question_differs);
  }
}

// The record counts as an answer: what Zeek takes from the header with each of them.
void Composer::has_counted(Bytes message, const Header& h) noexcept {
  if (!e_.query) e_.query = copy(w_.record.owner(message, manner_.is_netbios));
  e_.AA = h.aa();
  e_.RA = h.ra();
  has_counted_ = true;
}

void Composer::list(const Record& r, std::string_view text) noexcept {
  w_.ttls[w_.answers.count] = r.ttl;
  w_.answer_types[w_.answers.count] = r.type;
  w_.answers.add(text);
}

bool Composer::add_answers(Bytes message, const Header& h, std::size_t& at) {
  for (unsigned i = 0; i < h.answers; i++) {
    if (!next_record(message, at)) return false;
    Record& r = w_.record;
    if (r.data_size == 0 && at < message.size()) {
      notes_.add(Weird::dns_rdata_length_wrong);
      return false;
    }
    if (!w_.text.has_room()) {
      note_limit();
      continue;
    }
    w_.text.begin();
    const Rendered done = render(message, r, manner_.is_netbios, false, w_.text);
    const std::string_view text = w_.text.end();
    note(done);
    const bool is_answer = done.shown == Shown::kAnswer && !text.empty(), is_more = done.shown == Shown::kMore;
    if (is_more && !w_.more_answers.is_full()) {
      w_.more_answers.add(text);
    } else if (is_answer && !w_.answers.is_full()) {
      list(r, text);
    } else {
      w_.text.drop();
      if (is_answer || is_more) note_limit();
    }
    if (done.shown == Shown::kAnswer || done.shown == Shown::kSilent) has_counted(message, h);
    if (done.is_fatal) return false;
  }
  return true;
}

std::string_view Composer::update_text(Bytes message, bool is_prerequisite) {
  Record& r = w_.record;
  const std::string_view name = r.owner(message, false);
  const std::string_view type = numbered(type_name(r.type), "query-", r.type);
  if (!w_.text.has_room()) return {};
  TextArena& out = w_.text;
  out.begin();
  const bool is_any = r.klass == klass::kAny, is_none = r.klass == klass::kNone;
  if (is_prerequisite) {  // RFC 2136 2.4
    out.put("pre: ");
    if (r.type == type::kAny && (is_any || is_none))
      out.put(is_none ? "NameNotInUse " : "NameInUse ").put(name);
    else
      out.put(is_none ? "NoRRSet " : "RRSetExists ").put(type).put(' ').put(name);
  } else if (is_any || is_none) {  // RFC 2136 2.5
    out.put("del: ");
    if (is_any && r.type == type::kAny)
      out.put("RRSet * ").put(name);
    else if (is_none)
      out.put("RR ").put(type).put(' ').put(name);
    else
      out.put("RRSet ").put(type);
  } else {
    out.put("add: ");
    const Rendered done = render(message, r, false, true, out);
    note(done);
    if (done.shown != Shown::kAnswer) out.drop();
  }
  return out.end();
}

bool Composer::add_updates(Bytes message, const Header& h, std::size_t& at, bool of_query) {
  const unsigned records = h.answers + unsigned{h.authorities};
  for (unsigned i = 0; i < records; i++) {
    if (!next_record(message, at)) return false;
    const std::string_view text = update_text(message, i < h.answers);
    if (text.empty()) continue;
    const bool is_told = of_query ? !w_.more_answers.is_full() : !w_.answers.is_full();
    if (!is_told) {
      note_limit();
    } else if (of_query) {
      w_.more_answers.add(text);
    } else {
      has_counted(message, h);
      list(w_.record, text);
    }
  }
  return true;
}

void Composer::add_section(Bytes message, std::size_t count, std::size_t& at, bool& is_whole, Section& out) {
  for (; count > 0 && is_whole; count--) {
    is_whole = next_record(message, at);
    if (!is_whole) return;
    Record& r = w_.record;
    if (r.type == type::kOpt) add_option(r, true);
    if (out.is_full() || !w_.text.has_room()) continue;
    w_.text.begin();
    const Rendered done = render(message, r, manner_.is_netbios, false, w_.text);
    note(done);
    if (done.shown == Shown::kAnswer)
      out.add(w_.text.end());
    else
      w_.text.drop();
  }
}

bool Composer::add_response(Bytes message, Bytes query) {
  Header h;
  if (!read_header(message, h)) return false;
  e_.trans_id = h.id;
  e_.opcode = h.opcode();
  e_.response_flags = h.flags;
  e_.response_bytes = static_cast<std::uint16_t>(std::min<std::size_t>(message.size(), 0xffff));
  e_.rcode = h.rcode();
  e_.rejected = h.rcode() != 0 && h.questions == 0;
  const bool is_update = h.opcode() == opcode::kUpdate && !manner_.is_netbios;
  std::size_t at = kHeaderBytes;
  if (!read_questions(message, h, at)) return false;
  if (h.questions > 0 && !is_update) {
    const bool is_bare = h.answers == 0 && h.authorities == 0 && h.additionals == 0;
    e_.rejected = e_.rejected || is_bare;
    if (has_asked_ && h.questions == 1 && !manner_.is_mdns) compare_question();
  }
  if (is_update) w_.more_answers.count = 0;  // an answer that repeats what was asked is told instead of the question
  bool is_whole = is_update ? add_updates(message, h, at, false) : add_answers(message, h, at);
  if (is_update && w_.answers.count == 0) {
    std::size_t again = kHeaderBytes;
    Header asked;
    if (read_header(query, asked) && asked.questions == 1 && read_question(query, again, false, w_.asked)) {
      add_updates(query, asked, again, true);
    }
  }
  if (!is_whole) return has_counted_;
  if (!is_update) add_section(message, h.authorities, at, is_whole, w_.auth);
  add_section(message, h.additionals, at, is_whole, w_.addl);
  if (is_whole && at < message.size()) notes_.add(Weird::dns_trailing_bytes);
  return has_counted_;
}

DnsEvent& Composer::finish() noexcept {
  if (e_.rcode) e_.rcode_name = numbered(rcode_name(*e_.rcode), "rcode-", *e_.rcode);
  e_.opcode_name = opcode_name(e_.opcode, manner_.is_netbios);
  e_.answers = w_.answers.span();
  e_.TTLs = {w_.ttls.data(), w_.answers.count};
  e_.answer_types = {w_.answer_types.data(), w_.answers.count};
  e_.auth = w_.auth.span();
  e_.addl = w_.addl.span();
  e_.more_answers = w_.more_answers.span();
  e_.more_queries = w_.more_queries.span();
  return e_;
}

bool is_well_formed(Bytes message, Manner manner) noexcept {
  Header h;
  if (!read_header(message, h) || h.questions > manner.questions_max()) return false;
  std::size_t at = kHeaderBytes;
  Question q;
  for (unsigned i = 0; i < h.questions; i++) {
    if (!read_question(message, at, manner.is_netbios, q)) return false;
  }
  Record r;
  for (unsigned i = 0; i < h.answers; i++) {
    if (!read_record(message, at, manner.is_netbios, r)) return false;
  }
  return true;
}

}  // namespace catenary::dns
