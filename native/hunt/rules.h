// Rules of YARA over one window of bytes. Without libyara at the build there are none, and asking for some is an error.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace catenary::hunt {

class Rules {
 public:
  // `error`: why they cannot be used.
  Rules(const std::string& text, std::string& error);
  ~Rules();
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  // A rule's name, and where the string stands in the window that ends last; 0 and 0 for a rule without strings.
  using Found = std::function<void(const char* rule, std::size_t offset, std::size_t length)>;
  // False: it took too long, or there was no memory.
  bool scan(Bytes window, const Found& found);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace catenary::hunt
