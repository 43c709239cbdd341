#include "capture/nic.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

namespace catenary::capture {
namespace {

// One line of 60 to 120 characters a CPU.
constexpr std::size_t kTextMax = 65536;

std::string text_of(int fd, std::size_t max) {
  std::string text(max, '\0');
  const ssize_t n = fd < 0 ? -1 : ::pread(fd, text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return text;
}

std::uint64_t number_in(std::string_view text, int base) {
  std::uint64_t v = 0;
  std::from_chars(text.data(), text.data() + text.size(), v, base);
  return v;
}

// The second column of each line, hexadecimal.
std::uint64_t dropped_in(std::string_view softnet) {
  std::uint64_t sum = 0;
  while (!softnet.empty()) {
    const std::string_view line = softnet.substr(0, softnet.find('\n'));
    softnet.remove_prefix(std::min(softnet.size(), line.size() + 1));
    const std::size_t blank = line.find(' ');
    if (blank != std::string_view::npos) sum += number_in(line.substr(blank + 1), 16);
  }
  return sum;
}

}  // namespace

Nic::Nic(const std::string& interface) {
  const std::string folder = "/sys/class/net/" + interface + "/statistics/";
  const char* names[] = {"rx_packets", "rx_missed_errors", "rx_fifo_errors"};
  for (std::size_t i = 0; i < 3; i++) files_[i] = ::open((folder + names[i]).c_str(), O_RDONLY | O_CLOEXEC);
  files_[3] = ::open("/proc/net/softnet_stat", O_RDONLY | O_CLOEXEC);
}

Nic::~Nic() {
  for (const int fd : files_)
    if (fd >= 0) ::close(fd);
}

NicCounters Nic::counters() const {
  const auto number = [this](std::size_t i) { return number_in(text_of(files_[i], 32), 10); };
  return {number(0), number(1) + number(2), dropped_in(text_of(files_[3], kTextMax))};
}

}  // namespace catenary::capture
