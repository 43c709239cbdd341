// A row for each case of the specifications: RFC 8446, RFC 5246, RFC 6347, RFC 5077, RFC 7301, and Zeek's meaning of
// ssl_history, resumed and established. Hellos and fingerprints alone are in hello_test.cc.
#include "protocols/tls/tls.h"

#include "base/test.h"
#include "files/x509/build.h"
#include "protocols/harness.h"
#include "protocols/tls/build.h"

using namespace catenary;
using namespace catenary::tls::build;
using flow::Dir;
using flow::Harness;
using Play = std::vector<std::pair<char, Octets>>;  // '>' the client, '<' the server

namespace {

constexpr std::uint8_t kTcp = 6, kUdp = 17;

void play(Harness& h, const Play& script) {
  for (const auto& [side, bytes] : script) h.send(side == '>' ? Dir::kOrig : Dir::kResp, bytes);
}

// The value of a field of the only tls event, as JSON has it; "none" when there is no event, "" when no such field.
std::string field(const Harness& h, std::string_view name) {
  const std::vector<std::string> lines = h.lines(Kind::tls);
  if (lines.size() != 1) return "none";
  const std::string key = "\"" + std::string(name) + "\":";
  const std::size_t at = lines[0].find(key);
  if (at == std::string::npos) return "";
  std::size_t end = at + key.size();
  const char first = lines[0][end];
  if (first == '"')
    end = lines[0].find('"', end + 1) + 1;
  else if (first == '[')
    end = lines[0].find(']', end) + 1;
  else
    end = lines[0].find_first_of(",}", end);
  return lines[0].substr(at + key.size(), end - at - key.size());
}

struct Flow {
  Harness h;
  Flow(const Play& script, std::uint8_t proto = kTcp) : h(tls::kProtocol, proto, 40000, 443) {
    play(h, script);
    h.close();
  }
  std::string operator[](std::string_view name) const { return field(h, name); }
  bool has_weird(std::string_view name) const {
    for (const std::string& line : h.lines(Kind::weird)) {
      if (line.find("\"name\":\"" + std::string(name) + "\"") != std::string::npos) return true;
    }
    return false;
  }
};

Octets leaf() {
  return x509::build::certificate(
      {.extensions = x509::build::alternative_names(x509::build::tlv(0x82, x509::build::text("www.example.test")))});
}
Octets root() {
  return x509::build::certificate({.subject = x509::build::name({{"2.5.4.3", x509::build::utf8("Example Root")}})});
}

const Octets kNamed = server_name("www.example.test");
const Play kFull = {{'>', client_hello({.extensions = kNamed})},
                    {'<', join({server_hello(), certificates({leaf(), root()}), key_exchange(), hello_done()})},
                    {'>', join({client_key(), change_cipher_spec(), sealed()})},
                    {'<', join({change_cipher_spec(), sealed()})}};

}  // namespace

TEST(tls, a_full_handshake_of_tls_1_2) {
  const Flow f(kFull);
  EXPECT_EQ(f["ssl_history"], R"("CsxknGIi")");
  EXPECT_EQ(f["established"], "true");
  EXPECT_EQ(f["resumed"], "false");
  EXPECT_EQ(f["version"], R"("TLSv12")");
  EXPECT_EQ(f["cipher"], R"("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")");
  EXPECT_EQ(f["curve"], R"("x25519")");
  EXPECT_EQ(f["server_name"], R"("www.example.test")");
  EXPECT_EQ(f["sni_matches_cert"], "true");
  EXPECT_EQ(f["subject"], R"("CN=www.example.test")");
  EXPECT_EQ(f["issuer"], R"("CN=Example Root")");
  EXPECT_EQ(f["client_ciphers"], "[49199,47]");
  EXPECT_EQ(f["mid_stream"], "false");
  EXPECT_EQ(f.h.count(Kind::x509), 2u);
  EXPECT_EQ(f.h.count(Kind::weird), 0u);
}

// The same events wherever the segments end.
TEST(tls, segments_may_end_anywhere) {
  const std::vector<std::string> whole = Flow(kFull).h.lines(Kind::tls);
  for (const std::size_t step : {1u, 2u, 3u, 7u, 64u}) {
    Harness h(tls::kProtocol, kTcp, 40000, 443);
    for (const auto& [side, bytes] : kFull) {
      for (std::size_t at = 0; at < bytes.size(); at += step)
        h.send(side == '>' ? Dir::kOrig : Dir::kResp, Bytes(bytes).subspan(at, std::min(step, bytes.size() - at)));
    }
    h.close();
    EXPECT(h.lines(Kind::tls) == whole);
  }
}

TEST(tls, messages_may_be_cut_into_records_anywhere) {
  const Octets hellos = join({message(2, server_hello_body()), message(12, key_exchange_body()), message(14, {})});
  for (const std::size_t step : {1u, 3u, 4u, 5u, 50u}) {
    Octets records;
    for (std::size_t at = 0; at < hellos.size(); at += step) {
      const Bytes piece = Bytes(hellos).subspan(at, std::min(step, hellos.size() - at));
      records = join({records, tls_record(22, {piece.begin(), piece.end()})});
    }
    const Flow f({{'>', client_hello()}, {'<', records}});
    EXPECT_EQ(f["ssl_history"], R"("Cskn")");
    EXPECT_EQ(f["curve"], R"("x25519")");
  }
}

TEST(tls, established_needs_a_sealed_record_after_both_switches) {
  Play script = kFull;
  script[3].second = change_cipher_spec();
  EXPECT_EQ(Flow(script)["established"], "false");
  script[3].second = join({change_cipher_spec(), tls_record(22, {})});  // an empty record seals nothing
  EXPECT_EQ(Flow(script)["established"], "false");
  script.push_back({'>', data()});
  EXPECT_EQ(Flow(script)["established"], "true");
}

// RFC 6520 4, and what CVE-2014-0160 made of it.
TEST(tls, a_heartbeat_brings_back_no_more_than_it_took) {
  const auto script = [](std::size_t asked, std::size_t answered, bool agreed = true) {
    Play p = kFull;
    const Octets mode = agreed ? extension(15, u8(1)) : Octets{};
    p[1].second =
        join({server_hello({.extensions = mode}), certificates({leaf(), root()}), key_exchange(), hello_done()});
    p.push_back({'>', tls_record(24, Octets(asked, 0xaa))});
    p.push_back({'<', tls_record(24, Octets(answered, 0xbb))});
    return p;
  };
  EXPECT(!Flow(script(64, 64)).has_weird("tls_heartbeat_overread"));
  EXPECT(Flow(script(tls::kSealedHeartbeatMin - 1, 64)).has_weird("tls_heartbeat_overread"));
  EXPECT(!Flow(script(tls::kSealedHeartbeatMin, 64)).has_weird("tls_heartbeat_overread"));
  EXPECT(!Flow(script(40, 40 + tls::kHeartbeatSlack)).has_weird("tls_heartbeat_overread"));
  EXPECT(Flow(script(40, 41 + tls::kHeartbeatSlack)).has_weird("tls_heartbeat_overread"));
  EXPECT(Flow(script(40, 16416)).has_weird("tls_heartbeat_overread"));
  EXPECT(!Flow(script(40, 16416, false)).has_weird("tls_heartbeat_overread"));
  EXPECT_EQ(Flow(script(40, 16416))["established"], "true");
  EXPECT_EQ(Flow(script(40, 16416)).h.count(Kind::tls), 1u);
}

TEST(tls, heartbeats_are_watched_for_a_while) {
  for (const std::size_t n : {tls::kWatchedRecordsMax - 1, tls::kWatchedRecordsMax, tls::kWatchedRecordsMax + 1}) {
    Play p = kFull;
    p[1].second = join({server_hello({.extensions = extension(15, u8(1))}), key_exchange(), hello_done()});
    // The server's sealed record is the first that counts, and the question one more.
    for (std::size_t i = 2; i < n; i++) p.push_back({'>', data(30)});
    p.push_back({'>', tls_record(24, Octets(40, 0xaa))});
    p.push_back({'<', tls_record(24, Octets(4000, 0xbb))});
    EXPECT_EQ(Flow(p).has_weird("tls_heartbeat_overread"), n <= tls::kWatchedRecordsMax);
  }
}

TEST(tls, a_heartbeat_in_the_clear_shows_its_lie) {
  const auto asks = [](std::size_t length) {
    return Flow({{'>', client_hello()},
                 {'<', server_hello()},
                 {'>', tls_record(24, join({u8(1), u16(length), Octets(36, 0)}))}});
  };
  EXPECT(!asks(20).has_weird("tls_heartbeat_overread"));
  EXPECT(asks(21).has_weird("tls_heartbeat_overread"));
  EXPECT(asks(16384).has_weird("tls_heartbeat_overread"));
}

TEST(tls, tls_1_3_switches_with_its_first_application_data) {
  const Octets chosen = join({extension(43, u16(0x0304)), extension(51, join({u16(29), list(Octets(32, 1))}))});
  const Play script = {{'>', client_hello({.session_id = Octets(32, 5),
                                           .ciphers = {0x1301},
                                           .extensions = extension(43, short_list(u16(0x0304)))})},
                       {'<', join({server_hello({.session_id = Octets(32, 5), .cipher = 0x1301, .extensions = chosen}),
                                   change_cipher_spec(), data()})},
                       {'>', join({change_cipher_spec(), data()})}};
  const Flow f(script);
  EXPECT_EQ(f["ssl_history"], R"("CsiI")");
  EXPECT_EQ(f["version"], R"("TLSv13")");
  EXPECT_EQ(f["curve"], R"("x25519")");
  EXPECT_EQ(f["established"], "true");
  EXPECT_EQ(f["resumed"], "false");  // RFC 8446 4.1.3: the session id is always said back
  EXPECT_EQ(f.h.count(Kind::weird), 0u);
}

TEST(tls, a_change_cipher_spec_means_nothing_in_tls_1_3) {
  const Octets chosen = extension(43, u16(0x0304));
  const Octets client = client_hello({.ciphers = {0x1301}, .extensions = extension(43, short_list(u16(0x0304)))});
  const Flow f({{'>', client},
                {'<', join({server_hello({.cipher = 0x1301,
                                          .extensions = join({chosen, extension(51, u16(24))}),
                                          .random = retry_random()}),
                            change_cipher_spec()})},
                {'>', join({change_cipher_spec(), client})},
                {'<', server_hello({.cipher = 0x1301, .extensions = chosen})}});
  EXPECT_EQ(f["ssl_history"], R"("CjiICs")");
  EXPECT_EQ(f["curve"], R"("secp384r1")");
  EXPECT_EQ(f["established"], "false");
}

TEST(tls, drafts_of_1_3_have_a_shorter_server_hello) {
  const Octets body =
      join({u16(0x7f12), Octets(32, 2), u16(0x1301), list(extension(40, join({u16(23), list(Octets(65, 4))})))});
  const Flow f({{'>', client_hello({.ciphers = {0x1301}, .extensions = extension(43, short_list(u16(0x7f12)))})},
                {'<', handshake(2, body)}});
  EXPECT_EQ(f["version"], R"("TLSv13-draft18")");
  EXPECT_EQ(f["curve"], R"("secp256r1")");
  EXPECT_EQ(f["cipher"], R"("TLS_AES_128_GCM_SHA256")");
}

TEST(tls, a_session_is_resumed_by_id_by_ticket_or_by_key) {
  const Octets id(32, 6);
  const Play end = {{'<', join({change_cipher_spec(), sealed()})}, {'>', join({change_cipher_spec(), sealed()})}};
  const auto with = [&](const Octets& hello, const Octets& answer) {
    Play script = {{'>', hello}, {'<', answer}};
    script.insert(script.end(), end.begin(), end.end());
    return Flow(script);
  };
  EXPECT_EQ(with(client_hello({.session_id = id}), server_hello({.session_id = id}))["resumed"], "true");
  EXPECT_EQ(with(client_hello({.session_id = id}), server_hello({.session_id = Octets(32, 7)}))["resumed"], "false");
  EXPECT_EQ(with(client_hello({.session_id = Octets(32, 0)}), server_hello({.session_id = Octets(32, 0)}))["resumed"],
            "false");
  // RFC 5077: a ticket and no id; the client then sends no key.
  EXPECT_EQ(with(client_hello({.extensions = extension(35, Octets(100, 1))}), server_hello())["resumed"], "true");
  EXPECT_EQ(with(client_hello({.extensions = extension(35, {})}), server_hello())["resumed"], "false");
  // RFC 8446 4.2.11.
  const Octets offer = extension(41, join({list(Octets(40, 1)), list(Octets(33, 2))}));
  EXPECT_EQ(with(client_hello({.extensions = offer}), server_hello({.extensions = extension(41, u16(0))}))["resumed"],
            "true");
  EXPECT_EQ(with(client_hello(), server_hello({.extensions = extension(41, u16(0))}))["resumed"], "false");
}

TEST(tls, a_client_may_show_certificates_too) {
  const Flow f({{'>', client_hello()},
                {'<', join({server_hello(), certificates({leaf()}), handshake(13, Octets(10, 1)), hello_done()})},
                {'>', join({certificates({root()}), client_key(), handshake(15, Octets(70, 1)), change_cipher_spec(),
                            sealed()})}});
  EXPECT_EQ(f["ssl_history"], R"("CsxrnXGYI")");
  EXPECT_EQ(f["client_subject"], R"("CN=Example Root")");
  EXPECT_EQ(f["client_issuer"], R"("CN=Example Root")");
  EXPECT(f["client_cert_chain_fps"].size() == 68);
  EXPECT_EQ(f["sni_matches_cert"], "");  // no name was asked for
}

TEST(tls, a_certificate_for_another_name_does_not_match) {
  Play script = kFull;
  script[0].second = client_hello({.extensions = server_name("other.test")});
  EXPECT_EQ(Flow(script)["sni_matches_cert"], "false");
}

TEST(tls, an_alert_ends_the_story) {
  const Flow f({{'>', client_hello()}, {'<', tls_record(21, {2, 40})}});
  EXPECT_EQ(f["ssl_history"], R"("Cl")");
  EXPECT_EQ(f["last_alert"], R"("handshake_failure")");
  EXPECT_EQ(f["version"], "");
  EXPECT_EQ(Flow({{'>', join({client_hello(), tls_record(21, {1, 99})})}})["last_alert"], R"("unknown-99")");
}

TEST(tls, limits_of_alerts) {
  for (const std::size_t n : {tls::kAlertsMax - 1, tls::kAlertsMax, tls::kAlertsMax + 1}) {
    Octets alerts;
    for (std::size_t i = 0; i < n; i++) alerts = join({alerts, {1, 0}});
    const Flow f({{'>', join({client_hello(), tls_record(21, alerts)})}});
    EXPECT_EQ(f["ssl_history"].size(), 2 + 1 + std::min(n, tls::kAlertsMax));
    EXPECT_EQ(f.has_weird("tls_alert_malformed"), n > tls::kAlertsMax);
  }
  EXPECT(Flow({{'>', join({client_hello(), tls_record(21, {2})})}}).has_weird("tls_alert_malformed"));
}

TEST(tls, the_server_chooses_the_application_protocol) {
  const Flow f({{'>', client_hello({.extensions = alpn({"h2", "http/1.1"})})},
                {'<', server_hello({.extensions = alpn({"h2"})})}});
  EXPECT_EQ(f["next_protocol"], R"("h2")");
  EXPECT_EQ(f["client_alpns"], R"(["h2","http/1.1"])");
}

TEST(tls, a_choice_that_was_not_offered_is_told) {
  EXPECT(Flow({{'>', client_hello()}, {'<', server_hello({.cipher = 0x0005})}}).has_weird("tls_cipher_not_offered"));
  EXPECT(Flow({{'>', client_hello({.version = 0x0301})}, {'<', server_hello({.version = 0x0302})}})
             .has_weird("tls_version_not_offered"));
  EXPECT(Flow({{'>', client_hello({.extensions = extension(43, short_list(u16(0x0304)))})}, {'<', server_hello()}})
             .has_weird("tls_version_not_offered"));
  EXPECT_EQ(Flow({{'>', client_hello()}, {'<', server_hello({.version = 0x0301})}}).h.count(Kind::weird), 0u);
}

TEST(tls, a_stapled_response_is_a_file) {
  const Octets status = handshake(22, join({u8(1), long_list(Octets(50, 0x30))}));
  const Flow f({{'>', client_hello()}, {'<', join({server_hello(), status})}});
  EXPECT_EQ(f["ssl_history"], R"("Csu")");
  EXPECT_EQ(f.h.count(Kind::file), 1u);
  const std::string file = f.h.lines(Kind::file)[0];
  EXPECT(file.find(R"("mime_type":"application/ocsp-response")") != std::string::npos);
  EXPECT(file.find(R"("seen_bytes":50)") != std::string::npos);
  EXPECT(Flow({{'>', client_hello()}, {'<', join({server_hello(), handshake(22, join({u8(1), u24(0)}))})}})
             .has_weird("tls_stapled_response_empty"));
}

TEST(tls, a_gap_ends_it_and_what_came_before_is_told) {
  Harness h(tls::kProtocol, kTcp, 40000, 443);
  play(h, {{'>', client_hello({.extensions = kNamed})}, {'<', server_hello()}});
  h.gap(Dir::kResp, 1000);
  play(h, {{'<', hello_done()}});
  h.close();
  EXPECT_EQ(field(h, "ssl_history"), R"("Cs")");
  EXPECT_EQ(field(h, "established"), "false");
}

TEST(tls, a_gap_inside_a_sealed_record_is_stepped_over) {
  const Octets chosen = extension(43, u16(0x0304));
  const Octets flight = tls_record(23, Octets(4000, 1));
  for (const std::size_t lost : {3998u, 3999u, 4000u}) {
    Harness h(tls::kProtocol, kTcp, 40000, 443);
    play(h, {{'>', client_hello({.ciphers = {0x1301}, .extensions = extension(43, short_list(u16(0x0304)))})},
             {'<', join({server_hello({.cipher = 0x1301, .extensions = chosen}),
                         Octets(flight.begin(), flight.begin() + 6)})}});
    h.gap(Dir::kResp, lost);
    if (lost == 3998) play(h, {{'<', {1}}});
    play(h, {{'>', data()}});
    h.close();
    EXPECT_EQ(field(h, "established"), lost == 4000 ? "false" : "true");
  }
}

TEST(tls, a_flow_without_its_beginning_says_so) {
  Harness h(tls::kProtocol, kTcp, 40000, 443);
  h.flow().is_partial = true;
  play(h, kFull);
  h.close();
  EXPECT_EQ(field(h, "mid_stream"), "true");
  EXPECT_EQ(field(h, "established"), "true");
}

TEST(tls, the_service_is_named_by_the_hellos) {
  const auto services = [](bool is_partial, const Play& script) {
    Harness h(tls::kProtocol, kTcp, 40000, 443);
    h.flow().is_partial = is_partial;
    play(h, script);
    return h.flow().service_count;
  };
  EXPECT_EQ(services(false, {{'>', client_hello()}}), 1);
  EXPECT_EQ(services(true, {{'>', client_hello()}}), 0);
  EXPECT_EQ(services(true, {{'>', client_hello()}, {'<', server_hello()}}), 1);
}

TEST(tls, either_end_may_be_the_client) {
  const Flow f({{'<', client_hello()}, {'>', join({server_hello(), certificates({leaf()}), hello_done()})}});
  EXPECT_EQ(f["ssl_history"], R"("^Csxn")");
  EXPECT_EQ(f["subject"], R"("CN=www.example.test")");
  const Flow twice({{'<', client_hello()}, {'>', client_hello()}});
  EXPECT_EQ(twice["ssl_history"], R"("^C^C")");
  EXPECT(twice.has_weird("tls_direction_unclear"));
}

TEST(tls, malformed_messages_end_it_with_a_weird) {
  const auto ends = [](const Octets& bytes, std::string_view weird) {
    const Flow f({{'>', client_hello()}, {'<', join({bytes, server_hello()})}});
    EXPECT(f.has_weird(weird));
    EXPECT_EQ(f["ssl_history"], R"("C")");
  };
  ends(handshake(2, Octets(20, 3)), "tls_handshake_malformed");
  ends(handshake(11, join({u24(100), Octets(50, 1)})), "tls_handshake_malformed");
  ends(handshake(11, long_list(join({u24(9), Octets(5, 1)}))), "tls_handshake_malformed");
  ends(handshake(4, {1, 2}), "tls_handshake_malformed");
  ends(handshake(22, {1}), "tls_handshake_malformed");
  ends(handshake(3, {1}), "tls_handshake_malformed");
  ends(handshake(99, {}), "tls_handshake_type_unknown");
  ends(tls_record(24, {1}), "tls_handshake_malformed");
  ends(tls_record(25, {1}), "tls_record_type_unknown");
  ends(tls_record(22, {1}, 0x0505), "tls_record_version_unknown");
}

TEST(tls, a_key_exchange_is_read_by_the_cipher_s_kind) {
  const auto group = [](std::uint16_t cipher, const Octets& body, std::uint16_t version = 0x0303) {
    const Flow f({{'>', client_hello({.version = version, .ciphers = {cipher}})},
                  {'<', join({server_hello({.version = version, .cipher = cipher}), handshake(12, body)})}});
    return f["curve"] + f["ssl_history"];
  };
  const Octets point = join({u8(3), u16(23), short_list(Octets(65, 4))});
  EXPECT_EQ(group(0xc02f, join({point, u16(0x0401), list(Octets(8, 1))})), R"("secp256r1""Csk")");
  EXPECT_EQ(group(0xc013, join({point, list(Octets(8, 1))}), 0x0301),
            R"("secp256r1""Csk")");                                                    // no algorithm before TLS 1.2
  EXPECT_EQ(group(0xc018, point), R"("secp256r1""Csk")");                              // anonymous: no signature
  EXPECT_EQ(group(0xc035, join({list(text("hint")), point})), R"("secp256r1""Csk")");  // RFC 5489: a hint first
  EXPECT_EQ(group(0xc02f, join({u8(1), Octets(9, 1)})), R"("Csk")");                   // an explicit prime
  EXPECT_EQ(group(0x009e, Octets(9, 1)), R"("Csk")");                                  // DHE has no named group
  EXPECT_EQ(group(0xc02f, point), R"("Cs")");                                          // broken off
}

TEST(tls, messages_out_of_order_are_told) {
  EXPECT(Flow({{'>', client_hello()}, {'<', certificates({leaf()})}}).has_weird("tls_handshake_out_of_order"));
  EXPECT(Flow({{'>', client_hello()}, {'<', join({server_hello(), server_hello()})}})
             .has_weird("tls_handshake_out_of_order"));
  EXPECT(!Flow(kFull).has_weird("tls_handshake_out_of_order"));
}

TEST(tls, data_in_the_clear_is_told) {
  const Flow f({{'>', client_hello()}, {'<', join({server_hello(), data(5000)})}});
  EXPECT(f.has_weird("tls_early_application_data"));
  EXPECT_EQ(f["ssl_history"], R"("Cs")");
}

TEST(tls, certificates_that_are_none_are_left_out) {
  const Flow f({{'>', client_hello()}, {'<', join({server_hello(), certificates({Octets(9, 1), {}, root()})})}});
  EXPECT(f.has_weird("x509_der_malformed") && f.has_weird("tls_certificate_empty"));
  EXPECT_EQ(f["ssl_history"], R"("Csx")");
  EXPECT_EQ(f["cert_chain_fps"].size(), 68u);
  EXPECT_EQ(f["subject"], "");  // the first one was not readable, and no other stands for it
}

TEST(tls, limits_of_a_chain) {
  for (const std::size_t n : {tls::kChainMax - 1, tls::kChainMax, tls::kChainMax + 1}) {
    const Flow f({{'>', client_hello()}, {'<', join({server_hello(), certificates(std::vector<Octets>(n, leaf()))})}});
    EXPECT_EQ(f["cert_chain_fps"].size(), 1 + 67 * std::min(n, tls::kChainMax));
    EXPECT_EQ(f.has_weird("tls_certificate_chain_too_long"), n > tls::kChainMax);
    EXPECT_EQ(f.h.count(Kind::x509), 2u);  // once as the leaf, once as another of the chain
  }
}

TEST(tls, limits_of_a_record) {
  for (const std::size_t n : {tls::kRecordBytesMax - 1, tls::kRecordBytesMax, tls::kRecordBytesMax + 1}) {
    const Flow f({{'>', client_hello()},
                  {'<', join({server_hello(), tls_record(22, message(13, Octets(n - 4, 1))), hello_done()})}});
    EXPECT_EQ(f["ssl_history"], n > tls::kRecordBytesMax ? R"("Cs")" : R"("Csrn")");
    EXPECT_EQ(f.has_weird("tls_record_too_long"), n > tls::kRecordBytesMax);
  }
}

TEST(tls, limits_of_a_handshake_message) {
  for (const std::size_t n : {tls::kHandshakeBytesMax - 1, tls::kHandshakeBytesMax, tls::kHandshakeBytesMax + 1}) {
    const Octets whole = join({message(13, Octets(n, 1)), message(14, {})});
    Octets records;
    for (std::size_t at = 0; at < whole.size(); at += 16000) {
      const Bytes piece = Bytes(whole).subspan(at, std::min<std::size_t>(16000, whole.size() - at));
      records = join({records, tls_record(22, {piece.begin(), piece.end()})});
    }
    const Flow f({{'>', client_hello()}, {'<', join({server_hello(), records})}});
    EXPECT_EQ(f["ssl_history"], R"("Csrn")");
    EXPECT_EQ(f.has_weird("tls_handshake_too_long"), n > tls::kHandshakeBytesMax);
  }
}

TEST(tls, limits_of_the_history) {
  for (const std::size_t n : {tls::kHistoryMax - 1, tls::kHistoryMax, tls::kHistoryMax + 1}) {
    Octets all = client_hello();
    for (std::size_t i = 1; i < n; i++) all = join({all, handshake(20, {})});
    const Flow f({{'>', all}});
    EXPECT_EQ(f["ssl_history"].size(), 2 + std::min(n, tls::kHistoryMax));
    EXPECT_EQ(f.has_weird("tls_history_limit"), n >= tls::kHistoryMax);
  }
}

TEST(tls, ssl_2_hellos_begin_ssl_3_and_tls) {
  const Octets hello =
      join({u16(0x8000 | 43), u8(1), u16(0x0301), u16(18), u16(0), u16(16), Octets(18, 1), Octets(16, 2)});
  const Flow f(
      {{'>', hello}, {'<', tls_record(22, message(2, server_hello_body({.version = 0x0301, .cipher = 4})), 0x0301)}});
  EXPECT_EQ(f["ssl_history"], R"("Cs")");
  EXPECT_EQ(f["version"], R"("TLSv10")");
  EXPECT_EQ(f["client_version"], "769");
  EXPECT(f.has_weird("tls_sslv2_hello"));
}

TEST(tls, ssl_2_to_its_end) {
  const Octets hello = join({u16(0x8000 | 28), u8(1), u16(2), u16(3), u16(0), u16(16), {1, 0, 0x80}, Octets(16, 2)});
  const Octets der = leaf();
  const Octets answer =
      join({u8(4), u8(0), u8(1), u16(2), u16(der.size()), u16(3), u16(16), der, {1, 0, 0x80}, Octets(16, 3)});
  const Octets key = join({u8(2), {1, 0, 0x80}, u16(0), u16(8), u16(0), Octets(8, 4)});
  const auto framed = [](const Octets& b) { return join({u16(0x8000 | b.size()), b}); };
  const Flow f({{'>', hello}, {'<', framed(answer)}, {'>', framed(key)}});
  EXPECT_EQ(f["version"], R"("SSLv2")");
  EXPECT_EQ(f["cipher"], R"("SSLv20_CK_RC4_128_WITH_MD5")");
  EXPECT_EQ(f["ssl_history"], R"("Cs")");
  EXPECT_EQ(f["established"], "true");
  EXPECT_EQ(f["subject"], R"("CN=www.example.test")");
  const Flow error({{'>', hello}, {'<', framed(answer)}, {'<', framed({0, 0, 2, 0, 0})}});
  EXPECT_EQ(error["last_alert"], R"("unknown-2")");
  EXPECT(Flow({{'>', hello}, {'<', framed({4, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0})}}).has_weird("tls_handshake_malformed"));
}

TEST(tls, it_begins_in_the_middle_of_a_stream) {
  Harness h(tls::kProtocol, kTcp, 40000, 25);
  play(h, {{'<', text("220 mail.example.test\r\n")}, {'>', text("STARTTLS\r\n")}, {'<', text("220 go ahead\r\n")}});
  play(h, kFull);
  h.close();
  EXPECT_EQ(field(h, "established"), "true");
}

TEST(tls, probes_know_a_hello_from_other_bytes) {
  const auto of = [](const Octets& bytes, bool is_tcp = true, bool at_start = true) {
    return tls::probe({Dir::kOrig, bytes, 40000, 443, is_tcp, at_start});
  };
  const auto cut = [](const Octets& b, std::size_t n) {
    return Octets(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n));
  };
  const Octets hello = client_hello(), answer = server_hello();
  EXPECT(of(hello) == flow::Probe::kYes && of(answer) == flow::Probe::kYes);
  EXPECT(of(cut(hello, 11)) == flow::Probe::kYes && of(cut(hello, 10)) == flow::Probe::kMore);
  EXPECT(of(cut(hello, 11), true, false) == flow::Probe::kNo && of(hello, true, false) == flow::Probe::kYes);
  EXPECT(of({}) == flow::Probe::kMore);
  EXPECT(of(text("GET / HTTP/1.1\r\n")) == flow::Probe::kNo);
  EXPECT(of(tls_record(22, message(1, client_hello_body()), 0x0404)) == flow::Probe::kNo);
  EXPECT(of(tls_record(23, message(1, client_hello_body()))) == flow::Probe::kNo);
  EXPECT(of(handshake(11, Octets(50, 1))) == flow::Probe::kNo);
  EXPECT(of(handshake(1, Octets(37, 3))) == flow::Probe::kNo);
  EXPECT(of(client_hello({.version = 0x0505})) == flow::Probe::kNo);
  EXPECT(of(client_hello({.session_id = Octets(33, 1)})) == flow::Probe::kNo);
  EXPECT(of({0x80, 0x2e, 1, 3, 1, 0, 18, 0, 0, 0, 16}) == flow::Probe::kNo);  // lengths that do not fill it
  EXPECT(of({0x80, 0x2b, 1, 3, 1, 0, 18, 0, 0, 0, 16}) == flow::Probe::kYes);
  EXPECT(of({0x80, 0x2b, 1, 3}) == flow::Probe::kMore);

  const Octets dtls = datagram_message(1, 0, client_hello_body({.version = 0xfefd}));
  EXPECT(of(dtls, false) == flow::Probe::kYes);
  EXPECT(of(cut(dtls, dtls.size() - 1), false) == flow::Probe::kNo);
  EXPECT(of(datagram_message(11, 0, Octets(60, 1)), false) == flow::Probe::kNo);
  EXPECT(of(datagram(22, fragment(1, 0, client_hello_body({.version = 0xfefd}), 0, 20), 1), false) == flow::Probe::kNo);
  EXPECT(of(datagram_message(1, 0, client_hello_body()), false) == flow::Probe::kNo);
}
