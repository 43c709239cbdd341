// A data connection: whatever it carries is one file. The control connection that announced it learns of the file by a
// place in a ring that all FTP connections of a worker share.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "files/tracker.h"
#include "flow/protocol.h"

namespace catenary::ftp {

// What the control connection's next event says of the file.
struct Transfer {
  std::uint64_t serial = 0;
  std::array<char, files::kFuidBytes> fuid{};
  bool has_file = false, is_typed = false;
  std::string_view mime_type;  // static
};

// Control connections by serial number. One that kTransfersMax others came after hears no more of its files.
class Transfers final : public flow::Shared {
 public:
  static constexpr std::size_t kTransfersMax = 4096;

  // A new control connection's number, from 1.
  std::uint64_t add();
  // Null when it has been written over.
  Transfer* find(std::uint64_t serial) noexcept;

 private:
  std::vector<Transfer> ring_;
  std::uint64_t last_ = 0;
};

extern const flow::ProtocolInfo kDataProtocol;

}  // namespace catenary::ftp
