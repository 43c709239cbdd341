// Both versions' messages, as the parser (smb.h) finds them in the stream, and what a flow knows.
#pragma once

#include "protocols/smb/session.h"

namespace catenary::smb {

// MS-SMB2 3.3.5.2.7, MS-CIFS 3.2.4.1.4: nobody sends more in one message than fits here.
inline constexpr std::size_t kCompoundMax = 64;

// What the record of the flow says.
struct Facts {
  Nanos began = 0;
  std::uint8_t version = 0;
  std::string_view dialect;  // static
  std::optional<bool> signing_required, is_guest;
  bool is_encrypted = false;
  std::uint64_t messages = 0, encrypted_messages = 0;
  std::string server_guid, client_os, server_os;
  std::uint32_t logins_failed = 0;
};

struct State {
  Session session;
  Facts facts;
  flow::Nested gssapi, ntlm;

  // A security token; Windows sends NTLM bare as well.
  void token(flow::Context& cx, flow::Dir dir, Bytes token);
  // How a login ended, as the status of its answer says.
  void login(flow::Context& cx, bool is_success);
};

// Content too long to be kept: what the head of its message says, while its bytes pass.
struct Transfer {
  FileId file;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t skip = 0;    // bytes between the head and the content
  std::uint64_t bytes = 0;   // of content
};

namespace v2 {

inline constexpr std::size_t kHeaderBytes = 64;
// Enough of a message to know of any content where it goes: the header and the longest fixed part before content.
inline constexpr std::size_t kHeadBytes = kHeaderBytes + 48;

// One message, or several in a chain (MS-SMB2 3.2.4.1.4). `is_cut`: the end of it is not here.
void on_message(flow::Context& cx, flow::Dir dir, Bytes message, bool is_cut, State& state);
// The head of a long message that carries content and nothing else; nothing where it is another.
std::optional<Transfer> begin_transfer(Bytes head, State& state);

}  // namespace v2

namespace v1 {

inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::size_t kHeadBytes = kHeaderBytes + 32;

void on_message(flow::Context& cx, flow::Dir dir, Bytes message, bool is_cut, State& state);
std::optional<Transfer> begin_transfer(Bytes head, State& state);

}  // namespace v1

}  // namespace catenary::smb
