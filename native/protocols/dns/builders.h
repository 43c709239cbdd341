// For tests: DNS messages put together from their parts, and what is told of them.
#pragma once

#include <algorithm>

#include "base/test.h"
#include "protocols/dns/dns.h"
#include "protocols/harness.h"

namespace catenary::dns::builders {

using flow::Harness;
using test::hex;
using Data = std::vector<std::uint8_t>;

inline Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Data be16(unsigned v) { return {static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)}; }
inline Data be32(std::uint32_t v) { return be16(v >> 16) + be16(v & 0xffff); }
inline Data text(std::string_view s) { return test::bytes(s); }
inline Data counted(std::string_view s) { return Data{static_cast<std::uint8_t>(s.size())} + text(s); }

inline Data name(std::string_view dotted) {
  Data out;
  while (!dotted.empty()) {
    const std::string_view label = dotted.substr(0, dotted.find('.'));
    out = out + counted(label);
    dotted.remove_prefix(std::min(dotted.size(), label.size() + 1));
  }
  out.push_back(0);
  return out;
}
inline Data pointer(unsigned offset) { return be16(0xc000 | offset); }

constexpr unsigned kQuery = 0x0100, kAnswer = 0x8180;

inline Data header(unsigned id, unsigned flags, unsigned questions, unsigned answers, unsigned authorities = 0,
                   unsigned additionals = 0) {
  return be16(id) + be16(flags) + be16(questions) + be16(answers) + be16(authorities) + be16(additionals);
}
inline Data ask(std::string_view of, unsigned type = 1, unsigned klass = 1) {
  return name(of) + be16(type) + be16(klass);
}
inline Data rr(const Data& owner, unsigned type, std::uint32_t ttl, const Data& data, unsigned klass = 1) {
  return owner + be16(type) + be16(klass) + be32(ttl) + be16(static_cast<unsigned>(data.size())) + data;
}
inline Data query(unsigned id, std::string_view of, unsigned type = 1) {
  return header(id, kQuery, 1, 0) + ask(of, type);
}
// One answer of this type to a question for "x.test".
inline Data answer_of(unsigned type, const Data& data, unsigned id = 1) {
  return header(id, kAnswer, 1, 1) + ask("x.test", type) + rr(pointer(12), type, 60, data);
}

inline const Data kFour = {192, 0, 2, 80};

inline Harness flow_of(std::uint16_t orig_port = 40000, std::uint16_t resp_port = 53) {
  return {kProtocol, 17, orig_port, resp_port};
}
inline Harness stream_of(std::uint16_t resp_port = 53) { return {kProtocol, 6, 40000, resp_port}; }
inline Data framed(const Data& message) { return be16(static_cast<unsigned>(message.size())) + message; }

inline bool has(const std::string& all, std::string_view part) { return all.find(part) != std::string::npos; }

// Everything told of one question and one answer.
inline std::string exchange(const Data& q, const Data& a, std::uint16_t orig_port = 40000,
                            std::uint16_t resp_port = 53) {
  Harness h = flow_of(orig_port, resp_port);
  h.orig(q);
  h.wait(kSecond / 4);
  h.resp(a);
  return h.close();
}
inline std::string answer_text(unsigned type, const Data& data) {
  return exchange(query(1, "x.test", type), answer_of(type, data));
}

}  // namespace catenary::dns::builders
