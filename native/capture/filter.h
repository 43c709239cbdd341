// A BPF filter compiled by libpcap once per link type.
#pragma once

#include <map>
#include <string>

#include "capture/source.h"

struct bpf_program;

namespace catenary::capture {

class Filter {
 public:
  explicit Filter(std::string text) : text_(std::move(text)) {}
  ~Filter();
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  bool empty() const { return text_.empty(); }
  // Whether the packet passes. False and `error` set when the text does not compile for its link type.
  bool match(const RawPacket& p, std::string& error);

 private:
  std::string text_;
  std::map<int, bpf_program*> programs_;  // null: the text means nothing on that link type
};

}  // namespace catenary::capture
