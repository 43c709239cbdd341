// The Channel class of the addon; channel.cc has it.
#pragma once

#include <napi.h>

namespace catenary::addon {

Napi::Function define_channel(Napi::Env env);

}  // namespace catenary::addon
