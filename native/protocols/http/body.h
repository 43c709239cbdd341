// The body of one message: counted, decoded, cut into parts, and given to the file tracker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "files/tracker.h"
#include "flow/protocol.h"
#include "protocols/http/decoder.h"
#include "protocols/http/multipart.h"
#include "protocols/http/transaction.h"

namespace catenary::http {

// What the parsers of one worker share: memory that is too much to be held for each flow.
struct Worker : flow::Shared {
  static constexpr std::size_t kSpareMax = 64;

  DecoderPool decoders;
  std::vector<std::unique_ptr<Transaction>> spare;
  std::string scratch;
};

// How the headers describe the body.
struct BodyPlan {
  Coding coding = Coding::kIdentity;
  std::string_view boundary;   // of a multipart body
  std::string_view file_name;  // as escaped in its header
  std::optional<std::uint64_t> total;  // its size, when a header says it
  bool is_partial = false;     // a part of a file was asked for
};

class Body : PartSink {
 public:
  static constexpr std::uint32_t kPartsMax = 100;

  void start(Worker& worker, Transaction& tx, flow::Dir dir, const BodyPlan& plan);
  void bytes(flow::Context& cx, Bytes chunk);
  // `n` bytes of it are lost.
  void gap(flow::Context& cx, std::uint64_t n);
  void end(flow::Context& cx, files::End how);

  bool is_open() const noexcept { return tx_ != nullptr; }
  // Decoded, lost bytes included: Zeek's body_len.
  std::uint64_t length() const noexcept { return length_; }
  // Counts files of the flow and direction.
  std::uint32_t file_count = 0;

 private:
  void clear_bytes(Bytes chunk);
  void file_bytes(Bytes chunk);
  void close_file(files::End how);
  void stop_decoding(Weird why);

  void on_part_header(std::string_view line) override;
  void on_part_bytes(Bytes content) override { file_bytes(content); }
  void on_part_end() override;

  Worker* worker_ = nullptr;
  Transaction* tx_ = nullptr;
  flow::Context* cx_ = nullptr;  // of the call being made
  flow::Dir dir_{};
  bool is_coded_ = false, is_partial_ = false, is_multipart_ = false, is_decoded_ = false;
  std::unique_ptr<Decoder> decoder_;
  Multipart multipart_;
  std::string file_name_;
  std::optional<std::uint64_t> total_;
  std::uint64_t length_ = 0;
  std::uint32_t parts_ = 0;
  catenary::files::File* file_ = nullptr;
};

}  // namespace catenary::http
