#include "base/crc32c.h"

#include "base/test.h"

namespace catenary {
namespace {

TEST(crc32c, the_values_of_RFC_3720_B_4) {
  std::vector<std::uint8_t> zeros(32, 0x00), ones(32, 0xff), up, down;
  for (int i = 0; i < 32; i++) up.push_back(static_cast<std::uint8_t>(i));
  for (int i = 31; i >= 0; i--) down.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
  EXPECT_EQ(crc32c(ones), 0x62a8ab43u);
  EXPECT_EQ(crc32c(up), 0x46dd794eu);
  EXPECT_EQ(crc32c(down), 0x113fdb5cu);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(crc32c, the_instruction_and_the_tables_agree_at_every_length_and_cut) {
  std::vector<std::uint8_t> b;
  std::uint32_t v = 1;
  for (int i = 0; i < 100; i++) b.push_back(static_cast<std::uint8_t>((v = v * 1664525 + 1013904223) >> 24));
  for (std::size_t n = 0; n <= b.size(); n++) {
    const Bytes whole(b.data(), n);
    EXPECT_EQ(crc32c(whole), crc32c_portable(whole));
    const std::size_t cut = n / 3;
    EXPECT_EQ(crc32c(whole.subspan(cut), crc32c(whole.first(cut))), crc32c(whole));
    EXPECT_EQ(crc32c_portable(whole.subspan(cut), crc32c_portable(whole.first(cut))), crc32c(whole));
  }
}

}  // namespace
}  // namespace catenary
