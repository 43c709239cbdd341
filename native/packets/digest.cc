#include "packets/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "base/cursor.h"
#include "packets/blocks.h"

namespace catenary::packets {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
static_assert(kReadBytes > kBlockBytesMax);

std::string hex(Bytes digest) {
  std::string out(2 * digest.size(), '0');
  files::hex_text(digest, out.data());
  return out;
}

// The length of the block that begins here; 0 when it is none of ours, SIZE_MAX when more bytes must come first.
std::size_t block_bytes(Bytes b) noexcept {
  if (b.size() < 12) return SIZE_MAX;
  Cursor in(b);
  in.skip(4);
  const std::size_t n = in.le32();
  if (n < 12 || n % 4 != 0 || n > kBlockBytesMax) return 0;
  if (b.size() < n) return SIZE_MAX;
  Cursor trailer(b.subspan(n - 4, 4));
  return trailer.le32() == n ? n : 0;
}

void count(Bytes block, SegmentDigest& out) noexcept {
  Cursor in(block);
  if (in.le32() != kPacketBlock) return;
  in.skip(8);
  const std::uint64_t high = in.le32(), low = in.le32();
  if (!in.ok()) return;
  const auto ts = static_cast<Nanos>((high << 32 | low) & INT64_MAX);
  out.first = out.packets == 0 ? ts : std::min(out.first, ts);
  out.last = std::max(out.last, ts);
  out.packets++;
}

}  // namespace

files::Sha256 Tree::leaf(Bytes block) {
  scratch_.resize(1 + block.size());
  scratch_[0] = 0;
  std::memcpy(scratch_.data() + 1, block.data(), block.size());
  files::Sha256 hash{};
  CATENARY_CHECK(!hasher_.digest(files::Hash::kSha256, scratch_, hash).empty());
  return hash;
}

void Tree::add(Bytes block) {
  files::Sha256 hash = leaf(block);
  // Every whole pair of equal height becomes one: as many as there are trailing ones in the count before.
  for (std::uint64_t n = leaves_++; n & 1; n >>= 1) {
    hash = node(whole_.back(), hash);
    whole_.pop_back();
  }
  whole_.push_back(hash);
}

files::Sha256 Tree::node(const files::Sha256& left, const files::Sha256& right) {
  std::array<std::uint8_t, 65> in{1};
  std::memcpy(in.data() + 1, left.data(), 32);
  std::memcpy(in.data() + 33, right.data(), 32);
  files::Sha256 hash{};
  CATENARY_CHECK(!hasher_.digest(files::Hash::kSha256, in, hash).empty());
  return hash;
}

files::Sha256 Tree::root() {
  files::Sha256 hash{};
  if (whole_.empty()) {
    CATENARY_CHECK(!hasher_.digest(files::Hash::kSha256, {}, hash).empty());
    return hash;
  }
  hash = whole_.back();
  for (std::size_t i = whole_.size() - 1; i > 0; i--) hash = node(whole_[i - 1], hash);
  return hash;
}

namespace {

// Every whole block from the start of the file, in order, and whether there was more than those. Memory of one buffer.
template <typename Visit>
void each_block(const std::string& path, SegmentDigest& out, const Visit& visit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    out.error = std::generic_category().message(errno);
    return;
  }
  std::vector<std::uint8_t> buffer(kReadBytes);
  std::size_t held = 0;
  bool is_whole = true;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data() + held, buffer.size() - held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) out.error = std::generic_category().message(errno);
    if (n <= 0) break;
    held += static_cast<std::size_t>(n);
    out.bytes += static_cast<std::uint64_t>(n);
    std::size_t at = 0;
    while (is_whole) {
      const std::size_t size = block_bytes(Bytes(buffer).subspan(at, held - at));
      if (size == SIZE_MAX) break;
      if (size == 0) {
        is_whole = false;
        break;
      }
      visit(Bytes(buffer).subspan(at, size));
      at += size;
      out.whole += size;
    }
    if (!is_whole) at = held;  // what follows is only measured
    std::memmove(buffer.data(), buffer.data() + at, held - at);
    held -= at;
  }
  ::close(fd);
}

}  // namespace

SegmentDigest digest_segment(const std::string& path) {
  SegmentDigest out;
  EVP_MD_CTX* sha = EVP_MD_CTX_new();
  CATENARY_CHECK(sha != nullptr && EVP_DigestInit_ex(sha, EVP_sha256(), nullptr) == 1);
  Tree tree;
  each_block(path, out, [&](Bytes block) {
    tree.add(block);
    count(block, out);
    CATENARY_CHECK(EVP_DigestUpdate(sha, block.data(), block.size()) == 1);
  });
  files::Sha256 hash{};
  CATENARY_CHECK(EVP_DigestFinal_ex(sha, hash.data(), nullptr) == 1);
  EVP_MD_CTX_free(sha);
  if (!out.error.empty()) return out;
  out.sha256 = hex(hash);
  out.root = hex(tree.root());
  out.blocks = tree.leaves();
  return out;
}

SegmentTree tree_of_segment(const std::string& path) {
  SegmentTree out;
  Tree tree;
  SegmentDigest read;
  each_block(path, read, [&](Bytes block) {
    out.offsets.push_back(static_cast<std::uint32_t>(read.whole));
    out.nodes.push_back(tree.leaf(block));
  });
  out.error = read.error;
  std::size_t level = 0;
  for (std::size_t width = out.nodes.size(); width > 1; width = (width + 1) / 2) {
    for (std::size_t i = 0; i + 1 < width; i += 2)
      out.nodes.push_back(tree.node(out.nodes[level + i], out.nodes[level + i + 1]));
    if (width % 2 == 1) out.nodes.push_back(files::Sha256(out.nodes[level + width - 1]));
    level += width;
  }
  return out;
}

}  // namespace catenary::packets
