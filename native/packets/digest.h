// What a seal says about a segment's bytes, read from the file as it lies on the disk, not from what its writer claims:
// SHA-256, the root of the RFC 6962 tree over its blocks, how many packets, from when to when.
//
// A leaf is one pcapng block as stored: SHA-256 of 0x00 and the block; a node is SHA-256 of 0x01 and its two children
// (RFC 6962, 2.1). So a single block can be proved to be in a sealed segment without the segment.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/net.h"
#include "files/hasher.h"

namespace catenary::packets {

// The tree's root as leaves come, in memory of its height.
class Tree {
 public:
  // At most kBlockBytesMax bytes.
  void add(Bytes block);
  std::uint64_t leaves() const noexcept { return leaves_; }
  // Of no leaf: the hash of nothing.
  files::Sha256 root();

  files::Sha256 leaf(Bytes block);
  files::Sha256 node(const files::Sha256& left, const files::Sha256& right);

 private:
  files::Hasher hasher_;
  std::vector<std::uint8_t> scratch_;
  std::vector<files::Sha256> whole_;  // roots of whole subtrees, largest first
  std::uint64_t leaves_ = 0;
};

struct SegmentDigest {
  std::string sha256, root;  // hex, of the whole blocks
  std::uint64_t bytes = 0;   // of the file
  std::uint64_t whole = 0;   // of those, in whole blocks from the start: less when the file broke off
  std::uint64_t blocks = 0, packets = 0;
  Nanos first = 0, last = 0;  // of the packets, 0 without any
  std::string error;          // why the file could not be read; "" when it was
};

// Cost: one pass; memory of two blocks.
SegmentDigest digest_segment(const std::string& path);

// The whole tree, for proofs that single blocks are in it.
struct SegmentTree {
  std::vector<std::uint32_t> offsets;  // of each whole block in the file, ascending: the leaves
  // Level by level from the leaves to the root. A node without a sibling stands on the next level as it is, which gives
  // the tree of RFC 6962: there too the larger power of two is split off on the left.
  std::vector<files::Sha256> nodes;
  std::string error;  // why the file could not be read; "" when it was
};

// Cost: one pass; memory of 68 bytes a block.
SegmentTree tree_of_segment(const std::string& path);

}  // namespace catenary::packets
