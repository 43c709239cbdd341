#include "event/batch.h"

namespace catenary::event {

void Batcher::drain() {
  std::array<Batch, kKindCount> batches;
  std::size_t n = 0;
  for (std::size_t k = 0; k < kKindCount; k++) {
    const Lane& lane = lanes_[k];
    if (lane.count == 0) continue;
    batches[n++] = {static_cast<Kind>(k), lane.count, lane.first_seen, lane.last_seen, lane.bytes};
  }
  if (n > 0) {
    sink_.on_drain({batches.data(), n});
    drains_++;
  }
  for (Lane& lane : lanes_) {
    lane.bytes.clear();
    lane.count = 0;
  }
  bytes_ = 0;
  is_full_ = false;
}

}  // namespace catenary::event
