// The Memory class of the addon; memory.cc has it.
#pragma once

#include <napi.h>

namespace catenary::addon {

Napi::Function define_memory(Napi::Env env);

}  // namespace catenary::addon
