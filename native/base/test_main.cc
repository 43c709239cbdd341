// Runs every registered native test: native_tests [UNIT[.NAME]]
#include <cstring>
#include <exception>

#include "base/test.h"

namespace catenary::test {

static int g_failed = 0;
static long g_passed = 0;

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
void fail(const char* file, int line, const std::string& what) {
  g_failed++;
  std::cerr << "  " << file << ":" << line << ": " << what << "\n";
}
void passed() { g_passed++; }

std::vector<std::uint8_t> hex(std::string_view digits) {
  std::vector<std::uint8_t> out;
  int high = -1;
  for (const char c : digits) {
    const int v = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
    if (v < 0) continue;
    if (high < 0) {
      high = v;
    } else {
      out.push_back(static_cast<std::uint8_t>(high << 4 | v));
      high = -1;
    }
  }
  return out;
}

}  // namespace catenary::test

int main(int argc, char** argv) {
  using namespace catenary::test;
  const std::string want = argc > 1 ? argv[1] : "";
  int ran = 0, bad = 0;
  for (const Case& c : cases()) {
    const std::string full = std::string(c.unit) + "." + c.name;
    if (!want.empty() && full != want && want != c.unit) continue;
    const int before = g_failed;
    ran++;
    try {
      c.run();
    } catch (const std::exception& e) {
      fail(c.unit, 0, std::string("threw ") + e.what());
    }
    if (g_failed != before) {
      bad++;
      std::cerr << "FAILED " << full << "\n";
    }
  }
  std::cout << "native: " << g_passed << " expectations\n" << ran - bad << " passed, " << bad << " failed\n";
  return ran == 0 || bad ? 1 : 0;
}
