#include "protocols/dns/names.h"

#include <algorithm>
#include <array>

namespace catenary::dns {
namespace {

struct Named {
  std::uint16_t number;
  std::string_view name;
};

// Sorted by number.
constexpr std::array kTypes = std::to_array<Named>({
    {1, "A"},      {2, "NS"},      {3, "MD"},          {4, "MF"},         {5, "CNAME"},     {6, "SOA"},
    {7, "MB"},     {8, "MG"},      {9, "MR"},          {10, "NULL"},      {11, "WKS"},      {12, "PTR"},
    {13, "HINFO"}, {14, "MINFO"},  {15, "MX"},         {16, "TXT"},       {17, "RP"},       {18, "AFSDB"},
    {19, "X25"},   {20, "ISDN"},   {21, "RT"},         {22, "NSAP"},      {23, "NSAP-PTR"}, {24, "SIG"},
    {25, "KEY"},   {26, "PX"},     {27, "GPOS"},       {28, "AAAA"},      {29, "LOC"},      {30, "NXT"},
    {31, "EID"},   {32, "NIMLOC"}, {33, "SRV"},        {34, "ATMA"},      {35, "NAPTR"},    {36, "KX"},
    {37, "CERT"},  {38, "A6"},     {39, "DNAME"},      {40, "SINK"},      {41, "OPT"},      {42, "APL"},
    {43, "DS"},    {44, "SSHFP"},  {45, "IPSECKEY"},   {46, "RRSIG"},     {47, "NSEC"},     {48, "DNSKEY"},
    {49, "DHCID"}, {50, "NSEC3"},  {51, "NSEC3PARAM"}, {52, "TLSA"},      {53, "SMIMEA"},   {55, "HIP"},
    {56, "NINFO"}, {57, "RKEY"},   {58, "TALINK"},     {59, "CDS"},       {60, "CDNSKEY"},  {61, "OPENPGPKEY"},
    {62, "CSYNC"}, {63, "ZONEMD"}, {64, "SVCB"},       {65, "HTTPS"},     {99, "SPF"},      {100, "UINFO"},
    {101, "UID"},  {102, "GID"},   {103, "UNSPEC"},    {104, "NID"},      {105, "L32"},     {106, "L64"},
    {107, "LP"},   {108, "EUI48"}, {109, "EUI64"},     {249, "TKEY"},     {250, "TSIG"},    {251, "IXFR"},
    {252, "AXFR"}, {253, "MAILB"}, {254, "MAILA"},     {255, "*"},        {256, "URI"},     {257, "CAA"},
    {32768, "TA"}, {32769, "DLV"}, {65281, "WINS"},    {65282, "WINS-R"}, {65422, "XPF"},   {65521, "INTEGRITY"},
});
static_assert(std::is_sorted(kTypes.begin(), kTypes.end(),
                             [](const Named& a, const Named& b) { return a.number < b.number; }));

// RFC 1035 4.1.1, RFC 2136 2.2, RFC 6895 2.3.
constexpr std::array<std::string_view, 24> kRcodes = {
    "NOERROR",       "FORMERR",       "SERVFAIL",      "NXDOMAIN",      "NOTIMP",   "REFUSED",
    "YXDOMAIN",      "YXRRSET",       "NXRRSet",       "NOTAUTH",       "NOTZONE",  "unassigned-11",
    "unassigned-12", "unassigned-13", "unassigned-14", "unassigned-15", "BADVERS",  "BADKEY",
    "BADTIME",       "BADMODE",       "BADNAME",       "BADALG",        "BADTRUNC", "BADCOOKIE"};

}  // namespace

std::string_view type_name(std::uint16_t type) noexcept {
  // The common ones stand where their number says.
  if (type - 1u < 53) return kTypes[type - 1u].name;
  const auto at = std::lower_bound(kTypes.begin(), kTypes.end(), type,
                                   [](const Named& n, std::uint16_t number) { return n.number < number; });
  return at != kTypes.end() && at->number == type ? at->name : std::string_view{};
}

std::string_view class_name(std::uint16_t klass) noexcept {
  switch (klass) {
    case klass::kInternet: return "C_INTERNET";
    case 2: return "C_CSNET";
    case klass::kChaos: return "C_CHAOS";
    case klass::kHesiod: return "C_HESIOD";
    case klass::kNone: return "C_NONE";
    case klass::kAny: return "C_ANY";
    default: return {};
  }
}

std::string_view rcode_name(std::uint16_t rcode) noexcept {
  return rcode < kRcodes.size() ? kRcodes[rcode] : std::string_view{};
}

std::string_view opcode_name(std::uint8_t opcode, bool is_netbios) noexcept {
  if (is_netbios) {
    // RFC 1002 4.2.1.1.
    switch (opcode) {
      case 0: return "netbios-query";
      case 5: return "netbios-registration";
      case 6: return "netbios-release";
      case 7: return "netbios-wack";
      case 8: return "netbios-refresh";
      default: return {};
    }
  }
  switch (opcode) {
    case opcode::kQuery: return "query";
    case 1: return "iquery";
    case 2: return "server-status";
    case opcode::kNotify: return "notify";
    case opcode::kUpdate: return "dynamic-update";
    case 6: return "dso";
    default: return {};
  }
}

}  // namespace catenary::dns
