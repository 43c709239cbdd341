// Packets at the border to JavaScript: options in, closed segments and digests out; evidence.cc has them.
#pragma once

#include <napi.h>

#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "files/store.h"
#include "packets/writer.h"

namespace catenary::addon {

packets::WriterOptions packets_of(const Napi::Object& o);
files::StoreOptions files_of(const Napi::Object& o);
Napi::Object file_counters_to_js(Napi::Env env, const files::StoreCounters& c);
Napi::Array segments_to_js(Napi::Env env, const std::vector<packets::Segment>& segments);

// Flows to hold or to release, on their way from JavaScript's thread to the decoder's.
class Holds {
 public:
  static constexpr std::size_t kPendingMax = packets::kHeldMax;

  // False when the text is no uid, or kPendingMax wait already.
  bool add(const std::string& uid, bool is_hold);
  // In the decoder's thread.
  void apply(packets::Writer& writer);
  // Flows that could not be held: too many are.
  std::uint64_t refused() const noexcept { return refused_; }

 private:
  std::mutex mutex_;
  std::vector<std::pair<Uid, bool>> pending_;
  std::atomic<std::uint64_t> refused_{0};
};

// digestSegment(path): Promise of what a seal says of the file.
Napi::Function define_digest_segment(Napi::Env env);
// matchPackets(path, filter, offsets, linktypes): Promise of which packets pass.
Napi::Function define_match_packets(Napi::Env env);
// treeOfSegment(path): Promise of the RFC 6962 tree over the file's blocks, and where each block begins.
Napi::Function define_tree_of_segment(Napi::Env env);

}  // namespace catenary::addon
