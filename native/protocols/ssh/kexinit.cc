#include "protocols/ssh/kexinit.h"

#include <algorithm>

namespace catenary::ssh {
namespace {

constexpr std::size_t kCookieBytes = 16;

// Takes the next name off the front of a list; empty names (",,") are passed over. Empty: the list is at its end.
std::string_view next_name(std::string_view& list) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (!name.empty()) return name;
  }
  return {};
}

}  // namespace

bool read_kexinit(Bytes payload, Kexinit& out) noexcept {
  Cursor in(payload);
  in.skip(kCookieBytes);
  for (std::string_view& list : out.lists) list = as_text(in.take(in.be32()));
  // Languages both ways, the flag of a guessed packet, and a reserved word are not looked at, but have to be there.
  in.skip(in.be32());
  in.skip(in.be32());
  in.skip(1 + 4);
  return in.ok();
}

std::string_view agreed(std::string_view client, std::string_view server, bool& is_over) noexcept {
  std::array<std::string_view, kNamesMax> theirs;
  std::size_t count = 0;
  for (std::string_view name = next_name(server); !name.empty(); name = next_name(server)) {
    if (count == theirs.size()) {
      is_over = true;
      break;
    }
    theirs[count++] = name;
  }
  const auto end = theirs.begin() + static_cast<std::ptrdiff_t>(count);
  std::string_view found;
  std::size_t ours = 0;
  for (std::string_view name = next_name(client); !name.empty(); name = next_name(client)) {
    if (ours++ == kNamesMax) {
      is_over = true;
      break;
    }
    if (found.empty() && std::find(theirs.begin(), end, name) != end) found = name;
  }
  return found;
}

std::string_view hassh(const Kexinit& k, bool is_client, files::Hasher& hasher, HasshRoom& room,
                       std::array<char, kHasshBytes>& out) noexcept {
  const std::array<List, 4> of_client = {kKex, kCipherUp, kMacUp, kCompressUp};
  const std::array<List, 4> of_server = {kKex, kCipherDown, kMacDown, kCompressDown};
  std::size_t size = 0;
  for (const List l : is_client ? of_client : of_server) {
    if (size > 0 || l != kKex) room[size++] = ';';
    const std::string_view text = k.lists[l].substr(0, room.size() - std::min(room.size(), size + 4));
    std::copy_n(text.data(), text.size(), room.begin() + static_cast<std::ptrdiff_t>(size));
    size += text.size();
  }
  files::Sha256 digest;
  const Bytes md5 = hasher.digest(files::Hash::kMd5, as_bytes({room.data(), size}), digest);
  return files::hex_text(md5.first(std::min(md5.size(), kHasshBytes / 2)), out.data());
}

}  // namespace catenary::ssh
