// What a capture process says, as bytes in the channel, and how the sensor reads it: as it would a stranger's.
#pragma once

#include <string>
#include <vector>

#include "event/batch.h"
#include "packets/writer.h"

namespace catenary::worker {

// One batch of a drain, in the bytes behind the table.
struct DrainedBatch {
  Kind kind{};
  std::uint32_t count = 0;
  Micros first_seen = 0, last_seen = 0;
  std::size_t offset = 0, length = 0;
};

// Batches are laid out as `batches` says, in the message itself.
struct DrainMessage {
  std::vector<DrainedBatch> batches;
  Micros last_seen = 0;
};

// The table of a drain: what is written ahead of its batches' bytes.
std::vector<std::uint8_t> drain_table(std::span<const event::Batch> batches);
std::vector<std::uint8_t> segment_message(const packets::Segment& segment);

// "" when every record of every batch is whole, of a kind that packets make, in order, no earlier than `not_before` and
// no later than `not_after`: what one worker says never goes back, and nothing was seen that is not yet. Otherwise why
// not.
std::string read_drain(Bytes message, Micros not_before, Micros not_after, DrainMessage& out);
// "" when it is one of this epoch, and names no file but its own. Otherwise why not.
std::string read_segment(Bytes message, std::uint32_t epoch, packets::Segment& out);

}  // namespace catenary::worker
