// A drain at the border to JavaScript: one external ArrayBuffer, and where in it which batch is.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "packets/writer.h"
#include "worker/message.h"

namespace catenary::addon {

struct Drain {
  std::unique_ptr<std::vector<std::uint8_t>> bytes;
  std::vector<worker::DrainedBatch> batches;
};

Napi::Value to_js(Napi::Env env, Drain drain, const std::vector<packets::Segment>& segments);

}  // namespace catenary::addon
