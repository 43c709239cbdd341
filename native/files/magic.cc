#include "files/magic.h"

#include <algorithm>
#include <array>

#include "base/cursor.h"

namespace catenary::files {

namespace {

using std::string_view_literals::operator""sv;

// `head` at 0 and, if any, `then` at `at`.
struct Signature {
  std::string_view head;
  std::size_t at;
  std::string_view then;
  std::string_view mime;
};

// Sorted by first byte; of one first byte the more specific comes first, for the first that fits wins.
constexpr Signature kSignatures[] = {
    {"\x00\x00\x00\x0cjP  \r\n\x87\n"sv, 20, "jpx "sv, "image/jpx"sv},
    {"\x00\x00\x00\x0cjP  \r\n\x87\n"sv, 20, "jpm "sv, "image/jpm"sv},
    {"\x00\x00\x00\x0cjP  \r\n\x87\n"sv, 20, "mjp2"sv, "video/mj2"sv},
    {"\x00\x00\x00\x0cjP  \r\n\x87\n"sv, 0, ""sv, "image/jp2"sv},
    {"\x00\x01\x00\x00Standard Jet DB"sv, 0, ""sv, "application/x-msaccess"sv},
    {"\x00\x01\x00\x00Standard ACE DB"sv, 0, ""sv, "application/x-msaccess"sv},
    {"\x00\x01\x00\x00\x00"sv, 0, ""sv, "application/x-font-ttf"sv},
    {"\x00\x00\x01\x00"sv, 0, ""sv, "image/x-icon"sv},
    {"\x00\x00\x02\x00"sv, 0, ""sv, "image/x-cursor"sv},
    {"\x00\x00\x01\xb0"sv, 0, ""sv, "video/mp4v-es"sv},
    {"\x00\x00\x01\xb5"sv, 0, ""sv, "video/mp4v-es"sv},
    {"\x00\x00\x01\xb3"sv, 0, ""sv, "video/mpv"sv},
    {"\x00\x00\x01\xba"sv, 0, ""sv, "video/mpeg"sv},
    {"\x00\x00\x01\xbb"sv, 0, ""sv, "video/mpeg"sv},
    {"\x04\x22\x4d\x18"sv, 0, ""sv, "application/x-lz4"sv},
    {"\x02\x21\x4c\x18"sv, 0, ""sv, "application/x-lz4"sv},
    {"\n\r\r\n"sv, 8, "\x1a\x2b\x3c\x4d"sv, "application/vnd.tcpdump.pcap"sv},
    {"\n\r\r\n"sv, 8, "\x4d\x3c\x2b\x1a"sv, "application/vnd.tcpdump.pcap"sv},
    {"\x1e\xe7\xff\x00"sv, 0, ""sv, "application/x-eet"sv},
    {"\x1f\x8b"sv, 0, ""sv, "application/x-gzip"sv},
    {"\x1f\x9d"sv, 0, ""sv, "application/x-compress"sv},
    {"!<arch>\ndebian"sv, 0, ""sv, "application/x-debian-package"sv},
    {"!<arch>"sv, 0, ""sv, "application/x-archive"sv},
    {"!BDN"sv, 0, ""sv, "application/vnd.ms-outlook"sv},
    {"#VRML V1.0 ascii"sv, 0, ""sv, "model/vrml"sv},
    {"#VRML V2.0 utf8"sv, 0, ""sv, "model/vrml"sv},
    {"%PDF-"sv, 0, ""sv, "application/pdf"sv},
    {"%FDF-"sv, 0, ""sv, "application/vnd.fdf"sv},
    {"%!"sv, 0, ""sv, "application/postscript"sv},
    {"(\xb5\x2f\xfd"sv, 0, ""sv, "application/zstd"sv},
    {".snd"sv, 0, ""sv, "audio/basic"sv},
    {".RMF\x00\x00\x00"sv, 0, ""sv, "application/vnd.rn-realmedia"sv},
    {"0&\xb2\x75"sv, 0, ""sv, "video/x-ms-asf"sv},
    {"7z\xbc\xaf\x27\x1c"sv, 0, ""sv, "application/x-7z-compressed"sv},
    {"8BPS"sv, 0, ""sv, "image/vnd.adobe.photoshop"sv},
    {";ELC"sv, 0, ""sv, "application/x-elc"sv},
    {"AC10"sv, 0, ""sv, "image/vnd.dwg"sv},
    {"AT&TFORM"sv, 12, "DJV"sv, "image/vnd.djvu"sv},
    {"BZh"sv, 0, ""sv, "application/x-bzip2"sv},
    {"CWS"sv, 0, ""sv, "application/x-shockwave-flash"sv},
    {"FWS"sv, 0, ""sv, "application/x-shockwave-flash"sv},
    {"FLV"sv, 0, ""sv, "video/x-flv"sv},
    {"GIF8"sv, 0, ""sv, "image/gif"sv},
    {"ID3"sv, 0, ""sv, "audio/mpeg"sv},
    {"II*\x00"sv, 0, ""sv, "image/tiff"sv},
    {"II+\x00"sv, 0, ""sv, "image/tiff"sv},
    {"LRZI"sv, 0, ""sv, "application/x-lrzip"sv},
    {"LZIP"sv, 0, ""sv, "application/x-lzip"sv},
    {"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"sv, 0, ""sv,
     "application/x-ms-shortcut"sv},
    {"MSCF\x00\x00\x00\x00"sv, 0, ""sv, "application/vnd.ms-cab-compressed"sv},
    {"MM\x00*"sv, 0, ""sv, "image/tiff"sv},
    {"MM\x00+"sv, 0, ""sv, "image/tiff"sv},
    {"MThd"sv, 0, ""sv, "audio/midi"sv},
    {"MOVI"sv, 0, ""sv, "video/x-sgi-movie"sv},
    {"MZ"sv, 30, "Copyright 1989-1990 PKWARE Inc."sv, "application/zip"sv},
    {"MZ"sv, 0, ""sv, "application/x-dosexec"sv},
    {"OTTO"sv, 0, ""sv, "application/vnd.ms-opentype"sv},
    {"OggS"sv, 0, ""sv, "application/ogg"sv},
    {"PDN3"sv, 0, ""sv, "image/x-paintnet"sv},
    {"RIFF"sv, 8, "AVI "sv, "video/x-msvideo"sv},
    {"RIFF"sv, 8, "WAVE"sv, "audio/x-wav"sv},
    {"RIFF"sv, 8, "WEBP"sv, "image/webp"sv},
    {"RIFF"sv, 8, "CDR"sv, "image/x-coreldraw"sv},
    {"Rar!"sv, 0, ""sv, "application/x-rar"sv},
    {"SIT!"sv, 0, ""sv, "application/x-stuffit"sv},
    {"StuffIt"sv, 0, ""sv, "application/x-stuffit"sv},
    {"SQLite format 3\x00"sv, 0, ""sv, "application/x-sqlite3"sv},
    {"WARC/"sv, 0, ""sv, "application/warc"sv},
    {"ZWS"sv, 0, ""sv, "application/x-shockwave-flash"sv},
    {"]\x00\x00"sv, 0, ""sv, "application/x-lzma"sv},
    {"`\xea"sv, 0, ""sv, "application/x-arj"sv},
    {"d8:announce"sv, 0, ""sv, "application/x-bittorrent"sv},
    {"drpm"sv, 0, ""sv, "application/x-rpm"sv},
    {"fLaC"sv, 0, ""sv, "audio/x-flac"sv},
    {"gimp xcf"sv, 0, ""sv, "image/x-xcf"sv},
    {"wOF2"sv, 0, ""sv, "application/font-woff2"sv},
    {"wOFF"sv, 0, ""sv, "application/font-woff"sv},
    {"xar!"sv, 0, ""sv, "application/x-xar"sv},
    {"x\x9f\x3e\x22"sv, 0, ""sv, "application/vnd.ms-tnef"sv},
    {"\x7f\x45LF"sv, 16, "\x01\x00"sv, "application/x-object"sv},
    {"\x7f\x45LF"sv, 16, "\x02\x00"sv, "application/x-executable"sv},
    {"\x7f\x45LF"sv, 16, "\x03\x00"sv, "application/x-sharedlib"sv},
    {"\x7f\x45LF"sv, 16, "\x04\x00"sv, "application/x-coredump"sv},
    {"\x7f\x45LF"sv, 16, "\x00\x01"sv, "application/x-object"sv},
    {"\x7f\x45LF"sv, 16, "\x00\x02"sv, "application/x-executable"sv},
    {"\x7f\x45LF"sv, 16, "\x00\x03"sv, "application/x-sharedlib"sv},
    {"\x7f\x45LF"sv, 16, "\x00\x04"sv, "application/x-coredump"sv},
    {"\x89PNG"sv, 0, ""sv, "image/png"sv},
    {"\x89HDF\r\n\x1a\n"sv, 0, ""sv, "application/x-hdf"sv},
    {"\x8aMNG"sv, 0, ""sv, "video/x-mng"sv},
    {"\x8bJNG"sv, 0, ""sv, "video/x-jng"sv},
    {"\xa1\xb2\xc3\xd4"sv, 0, ""sv, "application/vnd.tcpdump.pcap"sv},
    {"\xd4\xc3\xb2\xa1"sv, 0, ""sv, "application/vnd.tcpdump.pcap"sv},
    {"\xca\xfe\xd0\x0d"sv, 0, ""sv, "application/x-java-pack200"sv},
    {"\xce\xfa\xed\xfe"sv, 0, ""sv, "application/x-mach-o-executable"sv},
    {"\xcf\xfa\xed\xfe"sv, 0, ""sv, "application/x-mach-o-executable"sv},
    {"\xce\xce\xce\xce"sv, 0, ""sv, "application/x-java-jce-keystore"sv},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, 0, ""sv, "application/msword"sv},
    {"\xdb\xa5-\x00\x00\x00"sv, 0, ""sv, "application/msword"sv},
    {"\xed\xab\xee\xdb"sv, 0, ""sv, "application/x-rpm"sv},
    {"\xfd\x37zXZ\x00"sv, 0, ""sv, "application/x-xz"sv},
    {"\xfe\xed\xfe\xed"sv, 0, ""sv, "application/x-java-keystore"sv},
    {"\xff\xd8"sv, 0, ""sv, "image/jpeg"sv},
};

constexpr std::size_t kSignatureCount = std::size(kSignatures);

// The table's rows chained by first byte, in table order.
struct Index {
  std::array<std::uint8_t, 256> first{};  // row + 1; 0: none
  std::array<std::uint8_t, kSignatureCount> next{};
};

constexpr Index make_index() {
  static_assert(kSignatureCount < 255);
  Index index;
  for (std::size_t row = kSignatureCount; row-- > 0;) {
    const auto byte = static_cast<std::uint8_t>(kSignatures[row].head[0]);
    index.next[row] = index.first[byte];
    index.first[byte] = static_cast<std::uint8_t>(row + 1);
  }
  return index;
}
constexpr Index kIndex = make_index();

bool has(std::string_view text, std::size_t at, std::string_view what) noexcept {
  return text.size() >= at + what.size() && text.substr(at, what.size()) == what;
}

std::string_view signature_type(std::string_view text) noexcept {
  for (std::size_t row = kIndex.first[static_cast<std::uint8_t>(text[0])]; row != 0; row = kIndex.next[row - 1]) {
    const Signature& s = kSignatures[row - 1];
    if (has(text, 0, s.head) && has(text, s.at, s.then)) return s.mime;
  }
  return {};
}

// The names of the first entries tell a document from an archive. APPNOTE.TXT 4.3.7: a local file header is 30 bytes,
// the name's length at 26, the name behind it.
std::string_view zip_type(std::string_view text) noexcept {
  constexpr std::string_view kLocalHeader = "PK\x03\x04"sv;
  constexpr std::size_t kNameAt = 30;
  constexpr std::string_view kOpenDocument = "mimetypeapplication/vnd.oasis.opendocument."sv;
  if (has(text, kNameAt, "mimetypeapplication/epub+zip")) return "application/epub+zip";
  if (has(text, kNameAt, kOpenDocument)) {
    static constexpr std::string_view kKinds[][2] = {
        {"text-template", "application/vnd.oasis.opendocument.text-template"},
        {"text-web", "application/vnd.oasis.opendocument.text-web"},
        {"text-master", "application/vnd.oasis.opendocument.text-master"},
        {"text", "application/vnd.oasis.opendocument.text"},
        {"graphics-template", "application/vnd.oasis.opendocument.graphics-template"},
        {"graphics", "application/vnd.oasis.opendocument.graphics"},
        {"presentation-template", "application/vnd.oasis.opendocument.presentation-template"},
        {"presentation", "application/vnd.oasis.opendocument.presentation"},
        {"spreadsheet-template", "application/vnd.oasis.opendocument.spreadsheet-template"},
        {"spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"},
        {"chart", "application/vnd.oasis.opendocument.chart"},
        {"formula", "application/vnd.oasis.opendocument.formula"},
        {"database", "application/vnd.oasis.opendocument.database"},
        {"image", "application/vnd.oasis.opendocument.image"},
    };
    for (const auto& kind : kKinds) {
      if (has(text, kNameAt + kOpenDocument.size(), kind[0])) return kind[1];
    }
  }
  if (has(text, kNameAt, "doc.kml")) return "application/vnd.google-earth.kmz";
  const bool is_package = has(text, kNameAt, "[Content_Types].xml") || has(text, kNameAt, "_rels/.rels");
  // Every header whose place we can find by its four bytes; each search begins behind the last find.
  for (std::size_t at = 0; at != std::string_view::npos; at = text.find(kLocalHeader, at + kLocalHeader.size())) {
    const std::size_t name = at + kNameAt;
    if (has(text, name, "META-INF/MANIFEST.MF") && at < 200) return "application/java-archive";
    if (!is_package && at > 0) continue;
    if (has(text, name, "word/")) return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    if (has(text, name, "xl/")) return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    if (has(text, name, "ppt/")) return "application/vnd.openxmlformats-officedocument.presentationml.presentation";
  }
  if (has(text, 4, "\x14\x00\x06\x00"sv)) return "application/vnd.openxmlformats-officedocument";
  return "application/zip";
}

// Class files and universal Mach-O share four bytes. A Java class has its version at 6 (JVMS 4.1: 45 is JDK 1.1),
// the other the number of architectures at 4, which is small.
std::string_view cafebabe_type(std::string_view text) noexcept {
  if (text.size() < 8) return {};
  const auto low = static_cast<std::uint8_t>(text[7]);
  if (text[4] == 0 && text[5] == 0 && text[6] == 0 && low >= 1 && low <= 20) return "application/x-mach-o-executable";
  if (low >= 45) return "application/x-java-applet";
  return {};
}

// ISO/IEC 14496-12 4.3: a box's type at 4, the brand of `ftyp` at 8.
std::string_view box_type(std::string_view text) noexcept {
  if (has(text, 4, "ftyp")) {
    static constexpr std::string_view kBrands[][2] = {
        {"isom", "video/mp4"},       {"mp41", "video/mp4"}, {"mp42", "video/mp4"}, {"avc1", "video/3gpp"},
        {"3ge", "video/3gpp"},       {"3gg", "video/3gpp"}, {"3gp", "video/3gpp"}, {"3gs", "video/3gpp"},
        {"mmp4", "video/3gpp"},      {"m4a", "audio/m4a"},  {"M4A", "audio/m4a"},  {"jp2", "image/jp2"},
        {"qt  ", "video/quicktime"},
    };
    for (const auto& brand : kBrands) {
      if (has(text, 8, brand[0])) return brand[1];
    }
  }
  if (has(text, 4, "moov") || has(text, 4, "mdat")) return "video/quicktime";
  return {};
}

// RFC 6960 4.1, 4.2: a SEQUENCE whose inner object identifiers come after a few lengths. A request names SHA-1 as the
// hash of its first certificate id, a response the type id-pkix-ocsp-basic.
std::string_view ocsp_type(std::string_view text) noexcept {
  constexpr std::string_view kSha1 = "\x06\x05\x2b\x0e\x03\x02\x1a"sv;
  constexpr std::string_view kBasic = "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01"sv;
  for (std::size_t at = 11; at <= 19; at++) {
    if (has(text, at, kSha1)) return "application/ocsp-request";
    if (has(text, at, kBasic)) return "application/ocsp-response";
  }
  return {};
}

// MPEG-1/2 layer III, ISO/IEC 11172-3 2.4.1.3: twelve bits of sync, then id, layer and protection.
bool is_mpeg_audio(std::string_view text) noexcept {
  if (text.size() < 2 || text[0] != '\xff') return false;
  switch (static_cast<std::uint8_t>(text[1])) {
    case 0xe2:
    case 0xe3:
    case 0xf2:
    case 0xf3:
    case 0xf6:
    case 0xf7:
    case 0xfa:
    case 0xfb:
    case 0xfc:
    case 0xfd: return true;
    default: return false;
  }
}

// Formats that begin with a free field.
std::string_view offset_type(std::string_view text) noexcept {
  const auto first = static_cast<std::uint8_t>(text[0]);
  if (first == 'P' && has(text, 0, "PK\x03\x04"sv) && text.size() >= 6) return zip_type(text);
  if (first == 'P' && has(text, 0, "PK\x07\x08PK\x03\x04"sv)) return "application/zip";
  if (first == 0xca && has(text, 0, "\xca\xfe\xba\xbe"sv)) return cafebabe_type(text);
  if (first == 0x30) {
    if (const std::string_view mime = ocsp_type(text); !mime.empty()) return mime;
  }
  if (first == 0x1a && has(text, 0, "\x1a\x45\xdf\xa3"sv)) {
    // Matroska: the DocType element 42 82 of the EBML header, RFC 8794 11.2.5.
    const std::size_t at = text.substr(0, 64).find("\x42\x82"sv);
    if (at != std::string_view::npos && has(text, at + 3, "webm")) return "video/webm";
    if (at != std::string_view::npos && has(text, at + 3, "matroska")) return "video/x-matroska";
  }
  if (first == 'B' && has(text, 0, "BM") && has(text, 15, "\x00"sv)) {
    constexpr std::string_view kHeaderSizes = "\x0c\x28\x40\x6c\x7c\x80"sv;
    if (kHeaderSizes.find(text[14]) != std::string_view::npos) return "image/x-ms-bmp";
  }
  if (has(text, 2, "-lh") && has(text, 6, "-")) return "application/x-lha";
  if (has(text, 7, "**ACE**")) return "application/x-ace";
  if (has(text, 20, "\xdc\xa7\xc4\xfd"sv)) return "application/x-zoo";
  if (has(text, 36, "acsp")) return "application/vnd.iccprofile";
  if (has(text, 257, "ustar")) return "application/x-tar";
  if (const std::string_view mime = box_type(text); !mime.empty()) return mime;
  if (is_mpeg_audio(text)) return "audio/mpeg";
  return {};
}

}  // namespace

std::string_view mime_type(Bytes head) noexcept {
  const std::string_view text = as_text(head.first(std::min(head.size(), kSniffBytes)));
  if (text.empty()) return {};
  if (const std::string_view mime = signature_type(text); !mime.empty()) return mime;
  if (const std::string_view mime = offset_type(text); !mime.empty()) return mime;
  return text_type(head);
}

}  // namespace catenary::files
