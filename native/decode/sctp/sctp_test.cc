// RFC 9260, sections 3, 6.10 and 8.5.
#include "decode/sctp/sctp.h"

#include "base/test.h"

using namespace catenary;
using test::hex;

namespace {

const std::string kHead = "0b59 0b5a 00000007 00000000 ";  // 2905 -> 2906
const std::string kNoTag = "0b59 0b5a 00000000 00000000 ";
const std::string kInitBody = "00000007 00010000 000a 000a 00000001";

sctp::Packet read(const std::string& bytes, std::uint32_t claimed = 0) {
  const auto b = hex(bytes);
  sctp::Packet p;
  EXPECT(sctp::parse(Cursor(b), claimed == 0 ? static_cast<std::uint32_t>(b.size()) : claimed, p));
  return p;
}

}  // namespace

TEST(sctp, chunks_are_walked_and_user_data_counted) {
  // SACK, then two DATA of three and four bytes; the first is padded.
  const sctp::Packet p = read(kHead +
                              "03000010 00000001 00010000 00000000"
                              "00030013 00000001 0001 0000 00000000 616263 00"
                              "00030014 00000002 0001 0001 00000000 61626364");
  EXPECT_EQ(p.src_port, 2905);
  EXPECT_EQ(p.dst_port, 2906);
  EXPECT(p.has(sctp::kSack) && p.has(sctp::kData) && !p.has(sctp::kInit));
  EXPECT_EQ(p.data_bytes, 7u);
  EXPECT_EQ(p.weirds.size(), 0u);
  EXPECT_EQ(read(kHead + "40030016 00000001 0001 0000 00000000 00000000 6162").data_bytes, 2u);  // I-DATA, RFC 8260
  EXPECT_EQ(read(kNoTag + "01000014" + kInitBody).weirds.size(), 0u);
}

TEST(sctp, what_contradicts_itself_is_a_weird) {
  const std::pair<std::string, Weird> rows[] = {
      {kHead, Weird::sctp_no_chunk},
      {kHead + "0b0000", Weird::sctp_chunk_malformed},
      {kHead + "0b000003", Weird::sctp_chunk_malformed},
      {kHead + "0b000005", Weird::sctp_chunk_malformed},
      {kHead + "00030010 00000001 0001 0000 00000000", Weird::sctp_chunk_malformed},  // DATA without data
      {kNoTag + "01000013" + kInitBody, Weird::sctp_chunk_malformed},
      {kHead + "02000014" + kInitBody + "0b000004", Weird::sctp_chunk_not_alone},
      {kHead + "0e000004 0b000004", Weird::sctp_chunk_not_alone},
      {kHead + "01000014" + kInitBody, Weird::sctp_tag_wrong},
      {kNoTag + "0b000004", Weird::sctp_tag_wrong},
  };
  for (const auto& [bytes, weird] : rows) {
    const sctp::Packet p = read(bytes);
    EXPECT(p.weirds.is(weird));
  }
}

TEST(sctp, a_packet_cut_by_the_capture_is_read_as_far_as_it_goes) {
  const auto whole = hex(kHead + "00030014 00000001 0001 0000 00000000 61626364");
  sctp::Packet p;
  for (std::size_t n = 0; n < 12; n++) EXPECT(!sctp::parse(Cursor(Bytes(whole).first(n)), 32, p));
  for (std::size_t n = 12; n < whole.size(); n++) {
    sctp::Packet cut;
    EXPECT(sctp::parse(Cursor(Bytes(whole).first(n)), static_cast<std::uint32_t>(whole.size()), cut));
    EXPECT_EQ(cut.weirds.size(), 0u);
    EXPECT_EQ(cut.data_bytes, n >= 16 ? 4u : 0u);
  }
}
