// Checksums and compression of frames, at the border to JavaScript; wire.cc has it.
#pragma once

#include <napi.h>

namespace catenary::addon {

Napi::Function define_crc32c(Napi::Env env);
Napi::Function define_compress(Napi::Env env);
Napi::Function define_decompress(Napi::Env env);

}  // namespace catenary::addon
