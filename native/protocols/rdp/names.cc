// MS-RDPBCGR 2.2.1.1 to 2.2.1.4; keyboards are Windows' language identifiers (MS-LCID 2.2), with Zeek's spelling of
// them.
#include "protocols/rdp/names.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace catenary::rdp {
namespace {

struct Name {
  std::uint32_t number;
  std::string_view name;
};

constexpr Name kSecurity[] = {{0, "RDP"}, {1, "SSL"}, {2, "HYBRID"}, {8, "HYBRID_EX"}};
constexpr Name kFailures[] = {{1, "SSL_REQUIRED_BY_SERVER"},    {2, "SSL_NOT_ALLOWED_BY_SERVER"},
                              {3, "SSL_CERT_NOT_ON_SERVER"},    {4, "INCONSISTENT_FLAGS"},
                              {5, "HYBRID_REQUIRED_BY_SERVER"}, {6, "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"}};
constexpr Name kResults[] = {{0, "Success"},
                             {1, "User rejected"},
                             {2, "Resources not available"},
                             {3, "Rejected for symmetry breaking"},
                             {4, "Locked conference"}};
// Of mstsc; others have numbers of their own.
constexpr Name kBuilds[] = {{419, "RDP 4.0"},         {2195, "RDP 5.0"},       {2221, "RDP 5.0"}, {2600, "RDP 5.1"},
                            {3790, "RDP 5.2"},        {6000, "RDP 6.0"},       {6001, "RDP 6.1"}, {6002, "RDP 6.2"},
                            {7600, "RDP 7.0"},        {7601, "RDP 7.1"},       {9200, "RDP 8.0"}, {9600, "RDP 8.1"},
                            {25189, "RDP 8.0 (Mac)"}, {25282, "RDP 8.0 (Mac)"}};
constexpr Name kColors[] = {{4, "4bit"}, {8, "8bit"}, {15, "15bit"}, {16, "16bit"}, {24, "24bit"}};
constexpr Name kCertificates[] = {{1, "RSA"}, {2, "X.509"}};
constexpr Name kLevels[] = {{0, "None"}, {1, "Low"}, {2, "Client compatible"}, {3, "High"}, {4, "FIPS"}};
constexpr Name kMethods[] = {{0, "None"}, {1, "40bit"}, {2, "128bit"}, {8, "56bit"}, {16, "FIPS"}};

constexpr Name kLayouts[] = {
    {0x0401, "Arabic - Saudi Arabia"},
    {0x0402, "Bulgarian"},
    {0x0403, "Catalan"},
    {0x0404, "Chinese - Taiwan"},
    {0x0405, "Czech"},
    {0x0406, "Danish"},
    {0x0407, "German - Germany"},
    {0x0408, "Greek"},
    {0x0409, "English - United States"},
    {0x040a, "Spanish - Spain (Traditional Sort)"},
    {0x040b, "Finnish"},
    {0x040c, "French - France"},
    {0x040d, "Hebrew"},
    {0x040e, "Hungarian"},
    {0x040f, "Icelandic"},
    {0x0410, "Italian - Italy"},
    {0x0411, "Japanese"},
    {0x0412, "Korean"},
    {0x0413, "Dutch - Netherlands"},
    {0x0414, "Norwegian (Bokmal)"},
    {0x0415, "Polish"},
    {0x0416, "Portuguese - Brazil"},
    {0x0417, "Rhaeto-Romanic"},
    {0x0418, "Romanian"},
    {0x0419, "Russian"},
    {0x041a, "Croatian"},
    {0x041b, "Slovak"},
    {0x041c, "Albanian - Albania"},
    {0x041d, "Swedish"},
    {0x041e, "Thai"},
    {0x041f, "Turkish"},
    {0x0420, "Urdu"},
    {0x0421, "Indonesian"},
    {0x0422, "Ukrainian"},
    {0x0423, "Belarusian"},
    {0x0424, "Slovenian"},
    {0x0425, "Estonian"},
    {0x0426, "Latvian"},
    {0x0427, "Lithuanian"},
    {0x0428, "Tajik"},
    {0x0429, "Farsi"},
    {0x042a, "Vietnamese"},
    {0x042b, "Armenian - Armenia"},
    {0x042c, "Azeri (Latin)"},
    {0x042d, "Basque"},
    {0x042e, "Sorbian"},
    {0x042f, "FYRO Macedonian"},
    {0x0430, "Sutu"},
    {0x0431, "Tsonga"},
    {0x0432, "Tswana"},
    {0x0433, "Venda"},
    {0x0434, "Xhosa"},
    {0x0435, "Zulu"},
    {0x0436, "Afrikaans - South Africa"},
    {0x0437, "Georgian"},
    {0x0438, "Faroese"},
    {0x0439, "Hindi"},
    {0x043a, "Maltese"},
    {0x043b, "Sami (Lappish)"},
    {0x043c, "Scottish Gaelic"},
    {0x043d, "Yiddish"},
    {0x043e, "Malay - Malaysia"},
    {0x043f, "Kazakh"},
    {0x0440, "Kyrgyz (Cyrillic)"},
    {0x0441, "Swahili"},
    {0x0442, "Turkmen"},
    {0x0443, "Uzbek (Latin)"},
    {0x0444, "Tatar"},
    {0x0445, "Bengali (India)"},
    {0x0446, "Punjabi"},
    {0x0447, "Gujarati"},
    {0x0448, "Oriya"},
    {0x0449, "Tamil"},
    {0x044a, "Telugu"},
    {0x044b, "Kannada"},
    {0x044c, "Malayalam"},
    {0x044d, "Assamese"},
    {0x044e, "Marathi"},
    {0x044f, "Sanskrit"},
    {0x0450, "Mongolian (Cyrillic)"},
    {0x0451, "Tibetan - People's Republic of China"},
    {0x0452, "Welsh"},
    {0x0453, "Khmer"},
    {0x0454, "Lao"},
    {0x0455, "Burmese"},
    {0x0456, "Galician"},
    {0x0457, "Konkani"},
    {0x0458, "Manipuri"},
    {0x0459, "Sindhi - India"},
    {0x045a, "Syriac"},
    {0x045b, "Sinhalese - Sri Lanka"},
    {0x045d, "Inuktitut"},
    {0x045e, "Amharic - Ethiopia"},
    {0x0460, "Kashmiri (Arabic)"},
    {0x0461, "Nepali"},
    {0x0463, "Pashto"},
    {0x0464, "Filipino"},
    {0x0465, "Divehi"},
    {0x0468, "Hausa - Nigeria"},
    {0x046a, "Yoruba"},
    {0x046b, "Quecha - Bolivia"},
    {0x046c, "Sepedi"},
    {0x046d, "Bashkir"},
    {0x046f, "Greenlandic"},
    {0x0470, "Igbo - Nigeria"},
    {0x0472, "Oromo"},
    {0x0473, "Tigrigna - Ethiopia"},
    {0x0474, "Guarani - Paraguay"},
    {0x0478, "Yi"},
    {0x047a, "Mapudungun"},
    {0x047c, "Mohawk"},
    {0x047e, "Breton"},
    {0x0480, "Uighur - China"},
    {0x0481, "Maori - New Zealand"},
    {0x0482, "Occitan"},
    {0x0483, "Corsican"},
    {0x0484, "Alsatian"},
    {0x0485, "Yakut"},
    {0x0486, "K'iche"},
    {0x0487, "Kinyarwanda"},
    {0x0488, "Wolof"},
    {0x048c, "Dari"},
    {0x0801, "Arabic - Iraq"},
    {0x0804, "Chinese - People's Republic of China"},
    {0x0807, "German - Switzerland"},
    {0x0809, "English - United Kingdom"},
    {0x080a, "Spanish - Mexico"},
    {0x080c, "French - Belgium"},
    {0x0810, "Italian - Switzerland"},
    {0x0813, "Dutch - Belgium"},
    {0x0814, "Norwegian (Nynorsk)"},
    {0x0816, "Portuguese - Portugal"},
    {0x0818, "Romanian - Moldava"},
    {0x0819, "Russian - Moldava"},
    {0x081a, "Serbian (Latin)"},
    {0x081d, "Swedish - Finland"},
    {0x082c, "Azeri (Cyrillic)"},
    {0x083c, "Irish"},
    {0x083e, "Malay - Brunei Darussalam"},
    {0x0843, "Uzbek (Cyrillic)"},
    {0x0845, "Bengali (Bangladesh)"},
    {0x0850, "Mongolian (Mongolian)"},
    {0x0c01, "Arabic - Egypt"},
    {0x0c04, "Chinese - Hong Kong SAR"},
    {0x0c07, "German - Austria"},
    {0x0c09, "English - Australia"},
    {0x0c0a, "Spanish - Spain (Modern Sort)"},
    {0x0c0c, "French - Canada"},
    {0x0c1a, "Serbian (Cyrillic)"},
    {0x1001, "Arabic - Libya"},
    {0x1004, "Chinese - Singapore"},
    {0x1007, "German - Luxembourg"},
    {0x1009, "English - Canada"},
    {0x100a, "Spanish - Guatemala"},
    {0x100c, "French - Switzerland"},
    {0x101a, "Croatian (Bosnia/Herzegovina)"},
    {0x1401, "Arabic - Algeria"},
    {0x1404, "Chinese - Macao SAR"},
    {0x1407, "German - Liechtenstein"},
    {0x1409, "English - New Zealand"},
    {0x140a, "Spanish - Costa Rica"},
    {0x140c, "French - Luxembourg"},
    {0x141a, "Bosnian (Bosnia/Herzegovina)"},
    {0x1801, "Arabic - Morocco"},
    {0x1809, "English - Ireland"},
    {0x180a, "Spanish - Panama"},
    {0x180c, "French - Monaco"},
    {0x1c01, "Arabic - Tunisia"},
    {0x1c09, "English - South Africa"},
    {0x1c0a, "Spanish - Dominican Republic"},
    {0x2001, "Arabic - Oman"},
    {0x2009, "English - Jamaica"},
    {0x200a, "Spanish - Venezuela"},
    {0x2401, "Arabic - Yemen"},
    {0x240a, "Spanish - Colombia"},
    {0x2801, "Arabic - Syria"},
    {0x2809, "English - Belize"},
    {0x280a, "Spanish - Peru"},
    {0x2c01, "Arabic - Jordan"},
    {0x2c09, "English - Trinidad"},
    {0x2c0a, "Spanish - Argentina"},
    {0x3001, "Arabic - Lebanon"},
    {0x3009, "English - Zimbabwe"},
    {0x300a, "Spanish - Ecuador"},
    {0x3401, "Arabic - Kuwait"},
    {0x3409, "English - Philippines"},
    {0x340a, "Spanish - Chile"},
    {0x3801, "Arabic - U.A.E."},
    {0x380a, "Spanish - Uruguay"},
    {0x3c01, "Arabic - Bahrain"},
    {0x3c0a, "Spanish - Paraguay"},
    {0x4001, "Arabic - Qatar"},
    {0x4009, "English - India"},
    {0x400a, "Spanish - Bolivia"},
    {0x4409, "English - Malaysia"},
    {0x440a, "Spanish - El Salvador"},
    {0x4809, "English - Singapore"},
    {0x480a, "Spanish - Honduras"},
    {0x4c0a, "Spanish - Nicaragua"},
    {0x500a, "Spanish - Puerto Rico"},
    {0x540a, "Spanish - United States"},
    {0x10401, "Arabic (102)"},
    {0x10405, "Czech (QWERTY)"},
    {0x10407, "German (IBM)"},
    {0x10409, "English - United States (Dvorak)"},
    {0x1040a, "Spanish Variation"},
    {0x1040e, "Hungarian 101-key"},
    {0x10415, "Polish (214)"},
    {0x10416, "Portuguese (Brazilian ABNT2)"},
    {0x10418, "Romanian (Standard)"},
    {0x10419, "Russian (Typewriter)"},
    {0x1041b, "Slovak (QWERTY)"},
    {0x1041f, "Turkish F"},
    {0x11009, "Canadian Multilingual Standard"},
    {0x20401, "Arabic (102) AZERTY"},
    {0x20409, "English - United States (International)"},
    {0x20418, "Romanian (Programmers)"},
    {0x20422, "Ukrainian (Enhanced)"},
    {0x30409, "English - United States (Dvorak for left hand)"},
    {0x40409, "English - United States (Dvorak for right hand)"},
};

std::string_view find(std::span<const Name> names, std::uint32_t number) noexcept {
  const auto found = std::find_if(names.begin(), names.end(), [&](const Name& n) { return n.number == number; });
  return found == names.end() ? std::string_view() : found->name;
}

std::string name_of(std::span<const Name> names, std::uint32_t number, std::string_view otherwise) {
  const std::string_view name = find(names, number);
  return name.empty() ? std::string(otherwise) + std::to_string(number) : std::string(name);
}

}  // namespace

std::string security_name(std::uint32_t protocol) { return name_of(kSecurity, protocol, "security_protocol-"); }
std::string failure_name(std::uint32_t code) { return name_of(kFailures, code, "failure_code-"); }
std::string result_name(std::uint32_t code) { return name_of(kResults, code, "result-"); }
std::string build_name(std::uint32_t build) { return name_of(kBuilds, build, "client_build-"); }
std::string color_name(std::uint32_t depth) { return name_of(kColors, depth, "high_color_depth-"); }
std::string certificate_name(std::uint32_t type) { return name_of(kCertificates, type, "cert_type-"); }
std::string level_name(std::uint32_t level) { return name_of(kLevels, level, "encryption_level-"); }
std::string method_name(std::uint32_t method) { return name_of(kMethods, method, "encryption_method-"); }

std::string layout_name(std::uint32_t layout) {
  constexpr std::uint32_t kLanguage = 0xffff;
  const std::string_view own = find(kLayouts, layout), language = find(kLayouts, layout & kLanguage);
  if (own.empty() && !language.empty())
    return std::string(language) + " (Best Guess for " + std::to_string(layout) + ")";
  return name_of(kLayouts, layout, "keyboard-");
}

}  // namespace catenary::rdp
