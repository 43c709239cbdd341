#include "protocols/syslog/message.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace catenary::syslog {

namespace {

constexpr unsigned kPriorityMax = 191;    // 23 facilities of 8 severities, and one more
constexpr std::size_t kTagBytesMax = 32;  // RFC 3164 4.1.3

constexpr std::array<std::string_view, 24> kFacilities = {"KERN",   "USER",   "MAIL",   "DAEMON", "AUTH",     "SYSLOG",
                                                          "LPR",    "NEWS",   "UUCP",   "CRON",   "AUTHPRIV", "FTP",
                                                          "NTP",    "AUDIT",  "ALERT",  "CLOCK",  "LOCAL0",   "LOCAL1",
                                                          "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6",   "LOCAL7"};
constexpr std::array<std::string_view, 8> kSeverities = {"EMERG",   "ALERT",  "CRIT", "ERR",
                                                         "WARNING", "NOTICE", "INFO", "DEBUG"};

constexpr std::string_view kSigns = "-_./()";  // in names of programs
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// "Mmm dd hh:mm:ss " with a space for a leading zero of the day: RFC 3164 4.1.2.
bool take_old_time(std::string_view& s) noexcept {
  constexpr std::string_view kShape = "Mmm dd 00:00:00 ";
  if (s.size() < kShape.size()) return false;
  const std::size_t month = kMonths.find(s.substr(0, 3));
  if (month == std::string_view::npos || month % 3 != 0) return false;
  for (std::size_t i = 3; i < kShape.size(); i++) {
    const bool is_number = kShape[i] == '0' || kShape[i] == 'd';
    if (is_number ? !ascii::is_digit(s[i]) && !(i == 4 && s[i] == ' ') : s[i] != kShape[i]) return false;
  }
  s.remove_prefix(kShape.size());
  return true;
}

// "-" stands for nothing: NILVALUE.
std::string_view take_value(std::string_view& s) noexcept {
  const std::string_view word = ascii::take_word(s);
  return word == "-" ? std::string_view{} : word;
}

// TAG[PID]: of letters, digits and what programs put into their names.
void parse_tag(std::string_view s, Message& m) noexcept {
  const auto is_name = [](char c) {
    return ascii::is_letter(c) || ascii::is_digit(c) || kSigns.find(c) != std::string_view::npos;
  };
  const auto end = std::find_if_not(s.begin(), s.end(), is_name);
  const auto n = static_cast<std::size_t>(end - s.begin());
  if (n == 0 || n > kTagBytesMax || n == s.size()) return;
  const std::string_view tag = s.substr(0, n);
  s.remove_prefix(n);
  if (s[0] == ':') {
    m.app_name = tag;
  } else if (s[0] == '[') {
    const std::size_t close = s.find(']');
    if (close > kTagBytesMax) return;  // or there is none
    m.app_name = tag;
    m.procid = s.substr(1, close - 1);
  }
}

}  // namespace

Priority take_priority(std::string_view& s, unsigned& value) noexcept {
  if (s.empty() || s[0] != '<') return Priority::kNone;
  std::size_t n = 1;
  value = 0;
  while (n < s.size() && n < 4 && ascii::is_digit(s[n])) value = value * 10 + static_cast<unsigned>(s[n++] - '0');
  if (n == 1 || n >= s.size() || s[n] != '>' || value > kPriorityMax) return Priority::kMalformed;
  s.remove_prefix(n + 1);
  return Priority::kOk;
}

Message parse(std::string_view s) noexcept {
  Message m;
  unsigned value = 0;
  m.priority = take_priority(s, value);
  m.text = s;
  if (m.priority != Priority::kOk) return m;
  m.facility = value >> 3;
  m.severity = value & 7;
  std::string_view rest = s;
  if (rest.starts_with("1 ")) {
    rest.remove_prefix(2);
    const std::string_view time = ascii::take_word(rest);
    // TIMESTAMP is RFC 3339's, or nothing: 2003-10-11T22:14:15.003Z.
    if (time == "-" || (time.size() >= 20 && time[4] == '-' && time[10] == 'T')) {
      m.is_5424 = true;
      m.hostname = take_value(rest);
      m.app_name = take_value(rest);
      m.procid = take_value(rest);
      m.msgid = take_value(rest);
      return m;
    }
    rest = s;
  }
  if (!take_old_time(rest)) return m;
  std::string_view behind = rest;
  const std::string_view host = ascii::take_word(behind);
  if (host.empty() || host.back() == ':' || host.find('[') != std::string_view::npos) {
    parse_tag(rest, m);  // written on the machine itself: no HOSTNAME
  } else {
    m.hostname = host;
    parse_tag(behind, m);
  }
  return m;
}

std::string_view facility_name(unsigned f) noexcept { return f < kFacilities.size() ? kFacilities[f] : "UNSPECIFIED"; }
std::string_view severity_name(unsigned s) noexcept { return s < kSeverities.size() ? kSeverities[s] : "UNSPECIFIED"; }

}  // namespace catenary::syslog
