#include "event/batch.h"

#include <algorithm>

#include "base/test.h"
#include "event/gen/conn.gen.h"

namespace catenary {
namespace {

struct Sizes final : event::DrainSink {
  void on_drain(std::span<const event::Batch> batches) override {
    drains++;
    for (const event::Batch& b : batches) {
      records += b.count;
      longest = std::max(longest, b.bytes.size());
      EXPECT(b.first_seen >= last_seen);
      last_seen = b.last_seen;
    }
  }
  std::size_t drains = 0, records = 0, longest = 0;
  Micros last_seen = 0;
};

// As the end of that many flows does.
TEST(batch, hundred_thousand_events_within_one_packet_are_many_batches_shorter_than_a_frame) {
  Sizes sizes;
  event::Batcher batcher(sizes);
  for (std::uint64_t i = 0; i < 100'000; i++) {
    batcher.advance(static_cast<Nanos>(i) * 1000);
    ConnEvent conn;
    batcher.emit(conn);
  }
  batcher.drain();
  EXPECT_EQ(sizes.records, 100'000U);
  EXPECT(sizes.drains > 5);
  EXPECT(sizes.longest <= event::Batcher::kBytesEnd);
  EXPECT(sizes.longest > event::Batcher::kBytesEnd - kRecordBytesMax);
}

}  // namespace
}  // namespace catenary
