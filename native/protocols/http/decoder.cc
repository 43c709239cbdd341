#include "protocols/http/decoder.h"

#include <brotli/decode.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "protocols/http/text.h"

namespace catenary::http {

namespace {

// Each block is preceded by its size, so that freeing can be counted too.
constexpr std::size_t kHeader = 16;

void* counted_alloc(void* opaque, std::size_t size) {
  auto* memory = static_cast<DecoderMemory*>(opaque);
  if (size > DecoderMemory::kMemoryMax - memory->used) return nullptr;
  void* block = std::malloc(size + kHeader);
  if (!block) return nullptr;
  memory->used += size;
  *static_cast<std::size_t*>(block) = size;
  return static_cast<char*>(block) + kHeader;
}

void counted_free(void* opaque, void* address) {
  if (!address) return;
  void* block = static_cast<char*>(address) - kHeader;
  static_cast<DecoderMemory*>(opaque)->used -= *static_cast<std::size_t*>(block);
  std::free(block);
}

void* zlib_alloc(void* opaque, unsigned items, unsigned size) {
  return counted_alloc(opaque, std::size_t{items} * size);
}

constexpr int kWindowAny = 15 + 32;  // the wrapper, zlib's or gzip's, is found out
constexpr int kWindowRaw = -15;

}  // namespace

Coding coding_of(std::string_view name) noexcept {
  if (name.empty() || equals_any_case(name, "identity")) return Coding::kIdentity;
  if (equals_any_case(name, "gzip") || equals_any_case(name, "x-gzip")) return Coding::kGzip;
  if (equals_any_case(name, "deflate")) return Coding::kDeflate;
  if (equals_any_case(name, "br")) return Coding::kBrotli;
  return Coding::kUnknown;
}

Decoder::Decoder(DecoderMemory& memory) : memory_(memory) {}

Decoder::~Decoder() {
  if (zlib_) inflateEnd(zlib_.get());
  stop();
}

bool Decoder::start(Coding coding) {
  coding_ = coding;
  wrapper_ = coding == Coding::kDeflate ? Wrapper::kUnknown : Wrapper::kKnown;
  in_ = out_ = 0;
  if (coding == Coding::kBrotli) {
    stop();
    brotli_ = BrotliDecoderCreateInstance(counted_alloc, counted_free, &memory_);
    return brotli_ != nullptr;
  }
  if (zlib_) return inflateReset2(zlib_.get(), kWindowAny) == Z_OK;
  auto stream = std::make_unique<z_stream_s>();
  stream->zalloc = zlib_alloc;
  stream->zfree = counted_free;
  stream->opaque = &memory_;
  if (inflateInit2(stream.get(), kWindowAny) != Z_OK) return false;
  zlib_ = std::move(stream);
  return true;
}

Decoder::Status Decoder::next(Bytes& in, std::uint8_t* buffer, Bytes& out) {
  out = {};
  if (out_ > kDecodedBytesMax || (out_ > kRatioFromBytes && out_ / kRatioMax > in_)) return Status::kLimit;
  const std::size_t before = in.size();
  const Status status = coding_ == Coding::kBrotli ? next_brotli(in, buffer, out) : next_zlib(in, buffer, out);
  in_ += before - in.size();
  out_ += out.size();
  return status;
}

void Decoder::stop() noexcept {
  if (brotli_) BrotliDecoderDestroyInstance(brotli_);
  brotli_ = nullptr;
}

// RFC 1950 2.2: the method is 8 and the two bytes are a multiple of 31. False while one byte is all there is.
bool Decoder::find_wrapper(Bytes& in) {
  if (wrapper_ == Wrapper::kUnknown && !in.empty()) {
    first_ = in[0];
    in = in.subspan(1);
    wrapper_ = Wrapper::kOneByte;
  }
  if (wrapper_ != Wrapper::kOneByte || in.empty()) return wrapper_ == Wrapper::kKnown;
  const bool is_wrapped = (first_ & 0x0f) == 8 && (first_ * 256u + in[0]) % 31 == 0;
  inflateReset2(zlib_.get(), is_wrapped ? kWindowAny : kWindowRaw);
  wrapper_ = Wrapper::kKnown;
  std::uint8_t none = 0;
  zlib_->next_in = &first_;
  zlib_->avail_in = 1;
  zlib_->next_out = &none;
  zlib_->avail_out = 0;
  inflate(zlib_.get(), Z_SYNC_FLUSH);
  return true;
}

Decoder::Status Decoder::next_zlib(Bytes& in, std::uint8_t* buffer, Bytes& out) {
  if (wrapper_ != Wrapper::kKnown && !find_wrapper(in)) return Status::kMore;
  z_stream_s& z = *zlib_;
  const Bytes given = in.first(std::min<std::size_t>(in.size(), 1u << 30));
  z.next_in = const_cast<Bytef*>(given.data());
  z.avail_in = static_cast<unsigned>(given.size());
  z.next_out = buffer;
  z.avail_out = kOutBytes;
  const int result = inflate(&z, Z_SYNC_FLUSH);
  in = in.subspan(given.size() - z.avail_in);
  out = Bytes{buffer, kOutBytes - z.avail_out};
  switch (result) {
    case Z_OK: return out.empty() && in.empty() ? Status::kMore : Status::kOut;
    case Z_BUF_ERROR: return out.empty() ? Status::kMore : Status::kOut;
    case Z_STREAM_END:
      // RFC 1952 2.2: members may follow one another.
      if (coding_ == Coding::kGzip && in.size() >= 2 && in[0] == 0x1f && in[1] == 0x8b &&
          inflateReset2(&z, kWindowAny) == Z_OK)
        return Status::kOut;
      return Status::kEnd;
    case Z_MEM_ERROR: return Status::kLimit;
    default: return Status::kMalformed;
  }
}

Decoder::Status Decoder::next_brotli(Bytes& in, std::uint8_t* buffer, Bytes& out) {
  std::size_t in_left = in.size(), out_left = kOutBytes;
  const std::uint8_t* next_in = in.data();
  std::uint8_t* next_out = buffer;
  const BrotliDecoderResult result =
      BrotliDecoderDecompressStream(brotli_, &in_left, &next_in, &out_left, &next_out, nullptr);
  in = in.last(in_left);
  out = Bytes{buffer, kOutBytes - out_left};
  switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS: return Status::kEnd;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return out.empty() ? Status::kMore : Status::kOut;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return Status::kOut;
    default: {
      const BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(brotli_);
      const bool is_memory =
          code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
      return is_memory ? Status::kLimit : Status::kMalformed;
    }
  }
}

std::unique_ptr<Decoder> DecoderPool::get(Coding coding) {
  std::unique_ptr<Decoder> decoder;
  if (free_.empty()) {
    decoder = std::make_unique<Decoder>(memory_);
  } else {
    decoder = std::move(free_.back());
    free_.pop_back();
  }
  if (!decoder->start(coding)) return nullptr;
  return decoder;
}

void DecoderPool::put(std::unique_ptr<Decoder> decoder) {
  if (!decoder) return;
  decoder->stop();
  if (free_.size() < kKept) free_.push_back(std::move(decoder));
}

}  // namespace catenary::http
