// The whole test framework of native/: a test registers itself, an expectation counts, main reports.
//
//   TEST(cursor, a_short_read_is_sticky) { EXPECT_EQ(c.be16(), 0); EXPECT(!c.ok()); }
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace catenary::test {

struct Case {
  const char* unit;
  const char* name;
  void (*run)();
};
std::vector<Case>& cases();
void fail(const char* file, int line, const std::string& what);
void passed();

struct Register {
  Register(const char* unit, const char* name, void (*run)()) { cases().push_back({unit, name, run}); }
};

template <class T>
std::string show(const T& v) {
  std::ostringstream s;
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    s << static_cast<int>(v);
  } else if constexpr (requires { s << v; }) {
    s << v;
  } else {
    s << "(value)";
  }
  return s.str();
}

// Bytes from hex digits; blanks are ignored: hex("16 0301 0005").
std::vector<std::uint8_t> hex(std::string_view digits);
inline std::vector<std::uint8_t> bytes(std::string_view s) { return {s.begin(), s.end()}; }

}  // namespace catenary::test

#define TEST(unit, name)                                                                              \
  static void test_##unit##_##name();                                                                 \
  static const catenary::test::Register register_##unit##_##name(#unit, #name, test_##unit##_##name); \
  static void test_##unit##_##name()

#define EXPECT(cond) ((cond) ? catenary::test::passed() : catenary::test::fail(__FILE__, __LINE__, #cond))

#define EXPECT_EQ(a, b)                                                                                   \
  do {                                                                                                    \
    const auto& ea_ = (a);                                                                                \
    const auto& eb_ = (b);                                                                                \
    if (ea_ == eb_)                                                                                       \
      catenary::test::passed();                                                                           \
    else                                                                                                  \
      catenary::test::fail(__FILE__, __LINE__,                                                            \
                           #a " is " + catenary::test::show(ea_) + ", not " + catenary::test::show(eb_)); \
  } while (0)

// A text that holds, or does not hold, another; what it was instead is said.
#define EXPECT_HAS(text, part) EXPECT_FOUND(text, part, true)
#define EXPECT_LACKS(text, part) EXPECT_FOUND(text, part, false)
#define EXPECT_FOUND(text, part, is_wanted)                                                                    \
  do {                                                                                                         \
    const std::string et_(text);                                                                               \
    if ((et_.find(part) != std::string::npos) == (is_wanted))                                                  \
      catenary::test::passed();                                                                                \
    else                                                                                                       \
      catenary::test::fail(__FILE__, __LINE__,                                                                 \
                           ((is_wanted) ? #part " is not in " : #part " is in ") + catenary::test::show(et_)); \
  } while (0)
