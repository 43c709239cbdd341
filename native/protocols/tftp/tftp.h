// TFTP over UDP: RFC 1350; options of RFC 2347, the size of blocks of RFC 2348.
//
//   opcode (2): 1 read, 2 write | name, 0 | mode, 0 | {option, 0, value, 0}
//               3 data          | block (2) | bytes; the first block shorter than the others is the last
//               4 acknowledge   | block (2)
//               5 error         | code (2) | text, 0
//               6 acknowledge   | {option, 0, value, 0}
//
// The server answers from a port of its own (RFC 1350 4): that is another flow, which the request announces.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "files/tracker.h"
#include "flow/protocol.h"

namespace catenary::tftp {

inline constexpr std::uint16_t kPort = 69;
// The schema's caps.
inline constexpr std::size_t kNameMax = 512, kOptionsMax = 8, kOptionMax = 64, kErrorMax = 128;
inline constexpr std::size_t kBlockBytes = 512, kBlockBytesMax = 65464;  // RFC 1350 2, RFC 2348 2

struct Request {
  bool is_write = false;
  std::string name, mode;
  std::vector<std::string> options;
  std::size_t block_bytes = kBlockBytes;  // asked for
  bool is_cut = false;
};
// Nothing where it is no whole request: a name, and a mode that there is.
std::optional<Request> read_request(Bytes message);

// Requests whose data flow has not come yet, by serial number. One that kRequestsMax others came after is forgotten,
// and its flow is nobody's.
class Requests final : public flow::Shared {
 public:
  static constexpr std::size_t kRequestsMax = 256;
  struct Entry {
    std::uint64_t serial = 0;
    Request request;
    Uid uid;
    bool is_taken = false;
  };

  Entry& add();
  Entry* find(std::uint64_t serial) noexcept;

 private:
  std::vector<Entry> ring_;
  std::uint64_t last_ = 0;
};

// Yes to a whole request, on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

// Of the request's flow, and of the one that carries the file.
class Parser final : public flow::Parser {
 public:
  void on_expected(flow::Context& cx, std::uint64_t token) override;
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_close(flow::Context& cx) override;

 private:
  void on_request(flow::Context& cx, Request request);
  void on_block(flow::Context& cx, flow::Dir dir, std::uint16_t number, Bytes content);
  void end(flow::Context& cx, files::End how);

  std::optional<Request> request_;
  std::uint64_t serial_ = 0;
  Uid request_uid_;
  Nanos first_ = 0;
  std::size_t block_bytes_ = kBlockBytes;
  std::uint16_t next_ = 1;
  std::uint64_t bytes_ = 0;
  std::uint32_t ordinal_ = 0;
  std::optional<std::uint16_t> error_;
  std::string error_text_;
  files::File* file_ = nullptr;
  std::array<char, files::kFuidBytes> fuid_{};
  bool is_data_flow_ = false, has_data_ = false, has_file_ = false, is_complete_ = false;
};

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::tftp
