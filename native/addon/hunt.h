// Looking for something in stored packets, at the border to JavaScript (native/hunt).
#pragma once

#include <napi.h>

namespace catenary::addon {

// new Hunt({patterns: [{name, regex}], rules, hitsMax}), which throws where one of them means nothing;
// segment(path, filter, offsets?) and finish(): Promise of what was found since, and counters. One at a time.
Napi::Function define_hunt(Napi::Env env);

}  // namespace catenary::addon
