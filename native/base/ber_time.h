// Times of BER: UTCTime and GeneralizedTime.
#pragma once

#include "base/ber.h"

namespace catenary::ber {

// Days since the epoch, Gregorian: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
constexpr std::int64_t days_of(std::int64_t y, unsigned m, unsigned d) noexcept {
  y -= m <= 2;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}
static_assert(days_of(1970, 1, 1) == 0 && days_of(2000, 3, 1) == 11017 && days_of(9999, 12, 31) == 2932896);

inline bool two_digits(Cursor& in, unsigned& out) noexcept {
  const unsigned a = in.u8() - unsigned{'0'}, b = in.u8() - unsigned{'0'};
  out = a * 10 + b;
  return in.ok() && a <= 9 && b <= 9;
}

// RFC 5280 4.1.2.5: YYMMDDHHMMSSZ before 2050, YYYYMMDDHHMMSSZ from then on. Old certificates leave out the seconds,
// and X.680 allows a fraction; both are read. RFC 4120 5.2.3 has the second form alone. Seconds since the epoch.
inline bool read_time(const Tlv& t, std::int64_t& out) noexcept {
  Cursor in(t.value);
  unsigned century = 0, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (t.tag == kGeneralizedTime && !two_digits(in, century)) return false;
  if (!two_digits(in, year) || !two_digits(in, month) || !two_digits(in, day) || !two_digits(in, hour) ||
      !two_digits(in, minute)) {
    return false;
  }
  if (t.tag == kUtcTime) century = year < 50 ? 20 : 19;
  if (in.left() > 1 && !two_digits(in, second)) return false;
  if (in.left() > 1 && in.peek(1)[0] == '.') in.skip(in.left() - 1);
  if (in.u8() != 'Z' || !in.done()) return false;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return false;
  out = days_of(std::int64_t{century} * 100 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  return true;
}

}  // namespace catenary::ber
