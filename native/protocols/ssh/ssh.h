// SSH over TCP: RFC 4253 (transport), RFC 4252 (logins, seen only by their sizes).
//
// identification line | packets in the clear: length (4) | padding length (1) | message (1) | payload | padding
// and after NEWKEYS (message 21) of a direction nothing in that direction can be read.
#pragma once

#include <array>
#include <string_view>

#include "files/hasher.h"
#include "flow/protocol.h"
#include "protocols/ssh/kexinit.h"

namespace catenary::ssh {

// RFC 4253 4.2: 255 characters, CR and LF among them.
inline constexpr std::size_t kBannerBytesMax = 255;
// RFC 4253 4.2: a server may send other lines first. No limit is given; this many are passed over.
inline constexpr std::size_t kLinesMax = 32;
// Of a first KEXINIT kept until the other side's comes. OpenSSH sends 1.5 KiB, the most talkative less than 4.
inline constexpr std::size_t kKexinitKeptMax = 5120;

// Yes to "SSH-1." and "SSH-2.", as Zeek.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

// Of one worker: contexts that cost more to make than to use, and room for the longest text to hash.
struct Worker final : flow::Shared {
  files::Hasher hasher;
  HasshRoom room;
};

// Judges a login by the sizes of what the server sends once both sides encrypt, a segment a message, as Zeek does. The
// answer to the service request comes first. An answer 16 bytes smaller than that is SUCCESS, which has no content; the
// first other answer is FAILURE (to "none", which clients try first, and which does not count), and so are all of its
// size.
class Login {
 public:
  // The next segment of encrypted bytes. True when it decided that the login succeeded.
  bool on_encrypted(flow::Dir dir, std::size_t size) noexcept;
  bool is_judged() const noexcept { return attempts_ > 0; }
  bool is_success() const noexcept { return is_success_; }
  std::uint32_t attempts() const noexcept { return attempts_; }

 private:
  bool attempt(bool is_success) noexcept;

  std::size_t accept_size_ = 0, failure_size_ = 0;
  std::uint32_t attempts_ = 0;
  bool has_client_sent_ = false, has_skipped_banner_ = false, is_success_ = false;
};

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  void on_close(flow::Context& cx) override;

 private:
  enum class State : std::uint8_t { kBanner, kPackets, kEncrypted, kIgnored };
  enum class Major : std::uint8_t { kUnknown, kOne, kBoth, kTwo };
  template <std::size_t N>
  struct Text {
    std::array<char, N> bytes;
    std::uint16_t size = 0;
    bool is_set = false, is_cut = false;
    void set(std::string_view s) noexcept {
      size = 0;
      is_set = true;
      is_cut = false;
      add(s);
    }
    void add(std::string_view s) noexcept {
      const std::size_t n = s.size() < N - size ? s.size() : N - size;
      if (n < s.size()) is_cut = true;
      for (std::size_t i = 0; i < n; i++) bytes[size++] = s[i];
    }
    std::string_view view() const noexcept { return {bytes.data(), size}; }
  };
  struct Side {
    State state = State::kBanner;
    Major major = Major::kUnknown;
    std::uint8_t lines = 0;
    bool has_kexinit = false, is_banner_whole = false;
    Text<kBannerBytesMax> banner;
    std::array<char, kHasshBytes> hassh;
    std::uint8_t hassh_size = 0;
  };
  using Pair = Text<176>;  // "To server: ..., to client: ..."

  Side& side(flow::Dir d) noexcept { return sides_[flow::index(d)]; }
  flow::Step on_line(flow::Context& cx, flow::Dir dir, Cursor& in, bool& is_over);
  flow::Step on_packet(flow::Context& cx, flow::Dir dir, Cursor& in, bool& is_over);
  void on_message(flow::Context& cx, flow::Dir dir, std::uint8_t type, Bytes payload);
  void on_kexinit(flow::Context& cx, flow::Dir dir, Bytes payload);
  void negotiate(flow::Context& cx, const Kexinit& client, const Kexinit& server);
  void on_key_exchange(std::uint8_t type, Bytes payload);
  std::optional<std::uint8_t> version() const noexcept;
  void emit(flow::Context& cx);

  std::array<Side, 2> sides_;
  Login login_;
  Nanos began_ = 0;
  bool is_told_ = false, has_negotiated_ = false, is_compressed_ = false;
  Pair cipher_, mac_, compression_;
  Text<kNameBytesMax> kex_, host_key_alg_;
  Text<50> fingerprint_;
  std::array<std::uint8_t, kKexinitKeptMax> kept_;
  std::uint16_t kept_size_ = 0;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser, Worker>("ssh", true, false, probe);

}  // namespace catenary::ssh
