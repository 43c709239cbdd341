#include "protocols/dce_rpc/endpoint_map.h"

#include "base/guid.h"

namespace catenary::dce_rpc {
namespace {

// C706 Appendix I: identifiers of protocols in a tower's floors.
constexpr std::uint8_t kUuidFloor = 0x0d, kTcpFloor = 0x07;
constexpr std::size_t kFloorsMax = 8;  // five in practice
constexpr std::size_t kHandleBytes = 20;

// Floors: left side (length (2), protocol (1), more), right side (length (2), more). The lengths are little endian
// whatever the representation is.
Cursor floors(Cursor& in) noexcept {
  in.skip(4);  // most bytes of the array
  return in.sub(in.le32());
}

}  // namespace

std::string mapped_interface(Bytes stub) {
  Cursor in(stub);
  if (in.le32() != 0) in.skip(kGuidBytes);  // object
  if (in.le32() == 0) return {};
  Cursor tower = floors(in);
  tower.skip(2);  // count of floors; the first one is the interface
  Cursor left = tower.sub(tower.le16());
  if (left.u8() != kUuidFloor) return {};
  return guid_text(left.take(kGuidBytes));
}

std::optional<std::uint16_t> mapped_port(Bytes stub) noexcept {
  Cursor in(stub);
  in.skip(kHandleBytes);
  const std::uint32_t count = in.le32();
  in.skip(8);  // most of the array, offset
  const std::uint32_t actual = in.le32();
  if (!in.ok() || count == 0 || actual == 0) return std::nullopt;
  in.skip(4 * static_cast<std::size_t>(actual));  // referents
  Cursor tower = floors(in);
  const std::size_t n = tower.le16();
  for (std::size_t i = 0; i < n && i < kFloorsMax && tower.ok(); i++) {
    Cursor left = tower.sub(tower.le16());
    Cursor right = tower.sub(tower.le16());
    if (tower.ok() && left.u8() == kTcpFloor && right.has(2)) return right.be16();
  }
  return std::nullopt;
}

}  // namespace catenary::dce_rpc
