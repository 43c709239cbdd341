// Content codings (RFC 9110 8.4.1), decoded as the bytes come.
//
// A bomb is a few bytes that become many: a body that decodes to more than kDecodedBytesMax, or to more than
// kRatioMax times what came once that is more than kRatioFromBytes, ends there. Decoders are lent by a pool of the
// worker; their memory together stays below kMemoryMax.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"

struct z_stream_s;
struct BrotliDecoderStateStruct;

namespace catenary::http {

enum class Coding : std::uint8_t { kIdentity, kGzip, kDeflate, kBrotli, kUnknown };

// `name` as in Content-Encoding. "identity" and nothing are kIdentity.
Coding coding_of(std::string_view name) noexcept;

// Bytes that live decoders hold.
struct DecoderMemory {
  static constexpr std::size_t kMemoryMax = std::size_t{128} << 20;
  std::size_t used = 0;
};

class Decoder {
 public:
  static constexpr std::uint64_t kDecodedBytesMax = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kRatioMax = 500;
  static constexpr std::uint64_t kRatioFromBytes = std::uint64_t{8} << 20;
  static constexpr std::size_t kOutBytes = 65536;

  enum class Status : std::uint8_t {
    kMore,  // wants input
    kOut,   // `out` holds bytes, call again
    kEnd,   // the coded data is over; what is left of the input is not part of it
    kMalformed,
    kLimit,  // a bomb, or no memory
  };

  explicit Decoder(DecoderMemory& memory);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // False when there is no memory for it.
  bool start(Coding coding);
  // Gives back what is large; to be called when the body is over.
  void stop() noexcept;
  // Takes from the front of `in`; `out` is a part of `buffer`, which holds kOutBytes.
  Status next(Bytes& in, std::uint8_t* buffer, Bytes& out);

 private:
  bool find_wrapper(Bytes& in);
  Status next_zlib(Bytes& in, std::uint8_t* buffer, Bytes& out);
  Status next_brotli(Bytes& in, std::uint8_t* buffer, Bytes& out);

  DecoderMemory& memory_;
  std::unique_ptr<z_stream_s> zlib_;  // kept from body to body
  BrotliDecoderStateStruct* brotli_ = nullptr;
  Coding coding_ = Coding::kIdentity;
  // RFC 9110 8.4.1.2 means deflate within the zlib wrapper; many senders leave it out. Two bytes tell.
  enum class Wrapper : std::uint8_t { kUnknown, kOneByte, kKnown };
  Wrapper wrapper_ = Wrapper::kUnknown;
  std::uint8_t first_ = 0;
  std::uint64_t in_ = 0, out_ = 0;
};

// Decoders that nobody uses now.
class DecoderPool {
 public:
  static constexpr std::size_t kKept = 16;

  // Null when there is no memory.
  std::unique_ptr<Decoder> get(Coding coding);
  void put(std::unique_ptr<Decoder> decoder);
  // Shared by all: what one call to Decoder::next fills is read before the next call.
  std::uint8_t* buffer() noexcept { return buffer_.data(); }

 private:
  DecoderMemory memory_;
  std::vector<std::unique_ptr<Decoder>> free_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(Decoder::kOutBytes);
};

}  // namespace catenary::http
