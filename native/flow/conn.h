// A flow's own records: conn at its end, conn_update every five minutes while it lasts.
#pragma once

#include "event/batch.h"
#include "flow/flow.h"

namespace catenary::flow {

inline constexpr Nanos kUpdateInterval = 300 * kSecond;

void emit_conn(const Flow& flow, std::string_view end_reason, event::Batcher& events);
void emit_conn_update(Flow& flow, event::Batcher& events);

}  // namespace catenary::flow
