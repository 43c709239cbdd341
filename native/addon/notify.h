// Word to the service manager; notify.cc has it.
#pragma once

#include <napi.h>

namespace catenary::addon {

// notify(socket, text): whether it was sent.
Napi::Function define_notify(Napi::Env env);

}  // namespace catenary::addon
