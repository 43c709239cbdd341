// One message taken apart: RFC 5424 6, RFC 3164 4.1. Views into the message.
#pragma once

#include <cstdint>
#include <string_view>

namespace catenary::syslog {

enum class Priority : std::uint8_t { kNone, kMalformed, kOk };

struct Message {
  Priority priority = Priority::kNone;
  unsigned facility = 0, severity = 0;  // with kOk
  std::string_view text;                // behind the priority
  bool is_5424 = false;
  std::string_view hostname, app_name, procid, msgid;  // empty: not there
};

// PRI at the front of `s`, taken off it: "<" 1*3DIGIT ">", at most 191.
Priority take_priority(std::string_view& s, unsigned& value) noexcept;
Message parse(std::string_view s) noexcept;

// Zeek's names.
std::string_view facility_name(unsigned facility) noexcept;
std::string_view severity_name(unsigned severity) noexcept;

}  // namespace catenary::syslog
