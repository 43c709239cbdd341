// WireGuard paper, 5.4: messages by type and length, indices, counters; limits at their edges.
#include "protocols/wireguard/wireguard.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Harness;
using Data = std::vector<std::uint8_t>;

namespace {

Data message(std::uint8_t type, std::size_t size, std::uint8_t first = 0, std::uint8_t second = 0) {
  Data out(size, 0x5a);
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 16); i++) out[i] = 0;
  if (size > 0) out[0] = type;
  if (size > 4) out[4] = first;
  if (size > 8) out[8] = second;
  return out;
}
Data initiation(std::uint8_t sender) { return message(1, wireguard::kInitiationBytes, sender); }
Data response(std::uint8_t sender, std::uint8_t receiver) {
  return message(2, wireguard::kResponseBytes, sender, receiver);
}
Data transport(std::uint8_t receiver, std::uint8_t counter, std::size_t size = 48) {
  return message(4, size, receiver, counter);
}
Harness flow_of(std::uint16_t port = 40001) { return {wireguard::kProtocol, 17, 40000, port}; }
bool is_confirmed(Harness& h) { return h.flow().service_count == 1; }

}  // namespace

TEST(wireguard, a_handshake_is_told_and_confirms) {
  Harness h = flow_of();
  h.orig(initiation(7));
  EXPECT(!is_confirmed(h));
  h.resp(response(9, 7));
  EXPECT(is_confirmed(h));
  h.orig(transport(9, 0));
  h.resp(transport(7, 0));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::wireguard), 2u);
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_HAS(out, R"("message":"handshake_initiation","is_orig":true,"sender_index":7})");
  EXPECT_HAS(out, R"("message":"handshake_response","is_orig":false,"sender_index":9,"receiver_index":7})");
}

TEST(wireguard, the_middle_of_a_flow_is_known_at_its_port_and_confirmed_by_its_counter) {
  Harness elsewhere = flow_of();
  elsewhere.orig(transport(9, 4));
  EXPECT(!elsewhere.is_attached());
  Harness h = flow_of(wireguard::kPort);
  h.orig(transport(9, 4));
  EXPECT(!is_confirmed(h));
  h.orig(transport(9, 5));
  EXPECT(is_confirmed(h));
  EXPECT_HAS(h.close(), R"("message":"transport_data","is_orig":true,"receiver_index":9,"counter":4})");
  EXPECT_EQ(h.count(Kind::wireguard), 1u);
}

// Each length: one less, itself, one more. Transport data comes in sixteens, from 32 on.
TEST(wireguard, a_type_has_its_length) {
  const std::pair<std::uint8_t, std::size_t> rows[] = {{1, 148}, {2, 92}, {4, 32}, {4, 48}};
  for (const auto& [type, size] : rows) {
    for (const std::size_t n : {size - 1, size, size + 1}) {
      Harness h = flow_of(wireguard::kPort);
      h.orig(message(type, n));
      EXPECT_EQ(h.is_attached(), n == size);
    }
  }
  for (const std::size_t n : {63u, 64u, 65u}) {
    Harness h = flow_of();
    h.orig(initiation(7));
    h.resp(message(3, n, 7));
    const std::string out = h.close();
    EXPECT_EQ(h.count(Kind::wireguard), n == 64 ? 2u : 1u);
    EXPECT_EQ(h.count(Kind::weird), n == 64 ? 0u : 1u);
    if (n == 64) EXPECT_HAS(out, R"("message":"cookie_reply","is_orig":false,"receiver_index":7})");
  }
}

TEST(wireguard, reserved_bytes_are_zero_and_answers_have_a_question) {
  Harness h = flow_of();
  h.orig(initiation(7));
  Data odd = response(9, 7);
  odd[2] = 1;
  h.resp(odd);
  h.resp(response(9, 8));
  const std::string out = h.close();
  EXPECT_HAS(out, "wireguard_message_malformed");
  EXPECT_HAS(out, "wireguard_index_unknown");
  EXPECT(!is_confirmed(h));
}

TEST(wireguard, what_is_told_of_a_flow_is_limited) {
  for (const std::uint32_t n : {wireguard::kEventsMax - 1, wireguard::kEventsMax, wireguard::kEventsMax + 1}) {
    Harness h = flow_of();
    for (std::uint32_t i = 0; i < n; i++) h.orig(initiation(7));
    h.close();
    EXPECT_EQ(h.count(Kind::wireguard), std::min(n, wireguard::kEventsMax));
  }
}
