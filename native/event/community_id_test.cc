#include "event/community_id.h"

#include "base/test.h"
#include "event/gen/samples.gen.h"

namespace catenary {
namespace {

using samples::ip_of;

std::string_view id(CommunityId& c, const char* a, std::uint16_t ap, const char* b, std::uint16_t bp, std::uint8_t p) {
  return c.of(ip_of(a), ap, ip_of(b), bp, p);
}

}  // namespace

// Tuples and identifiers published with the specification's baseline captures and reference implementations.
TEST(community_id, published_vectors) {
  CommunityId c;
  EXPECT_EQ(id(c, "128.232.110.120", 34855, "66.35.250.204", 80, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(id(c, "66.35.250.204", 80, "128.232.110.120", 34855, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(id(c, "192.168.1.52", 54585, "8.8.8.8", 53, 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  EXPECT_EQ(id(c, "8.8.8.8", 53, "192.168.1.52", 54585, 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  EXPECT_EQ(id(c, "192.168.0.89", 8, "192.168.0.1", 0, 1), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  EXPECT_EQ(id(c, "192.168.0.1", 0, "192.168.0.89", 8, 1), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  EXPECT_EQ(id(c, "192.168.170.8", 7, "192.168.170.56", 80, 132), "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
}

TEST(community_id, between_equal_addresses_as_zeek) {
  CommunityId c;
  EXPECT_EQ(id(c, "127.0.0.1", 51204, "127.0.0.1", 8080, 6), "1:2Yamqb2ar1++QqZh/8NC2bUG8QI=");
  EXPECT_EQ(id(c, "127.0.0.1", 8080, "127.0.0.1", 51204, 6), "1:2Yamqb2ar1++QqZh/8NC2bUG8QI=");
}

TEST(community_id, a_seed_changes_it) {
  CommunityId zero(0), one(1);
  EXPECT(id(zero, "10.0.0.1", 1, "10.0.0.2", 2, 6) != id(one, "10.0.0.1", 1, "10.0.0.2", 2, 6));
  EXPECT_EQ(id(one, "128.232.110.120", 34855, "66.35.250.204", 80, 6), "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
}

TEST(community_id, one_way_icmp_has_a_direction) {
  CommunityId c;
  const std::string there(id(c, "192.168.0.89", 3, "192.168.0.1", 1, 1));
  EXPECT(there != id(c, "192.168.0.1", 3, "192.168.0.89", 1, 1));
  EXPECT(there != id(c, "192.168.0.89", 3, "192.168.0.1", 2, 1));
}

TEST(community_id, other_protocols_hash_without_ports) {
  CommunityId c;
  const std::string there(id(c, "10.0.0.1", 1, "10.0.0.2", 2, 47));
  EXPECT_EQ(there, id(c, "10.0.0.2", 7, "10.0.0.1", 9, 47));
}

}  // namespace catenary
