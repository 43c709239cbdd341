// The store's half of the addon; store.cc has it.
#pragma once

#include <napi.h>

namespace catenary::addon {

Napi::Function define_transposer(Napi::Env env);
Napi::Function define_check_frames(Napi::Env env);

}  // namespace catenary::addon
