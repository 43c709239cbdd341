// Types of text: markup, data, scripts, mail. Looks behind a byte order mark, white space, comments and the XML
// declaration, for no more than kTextScanBytes.
#include <algorithm>

#include "files/magic.h"

namespace catenary::files {

namespace {

using std::string_view_literals::operator""sv;

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool starts(std::string_view s, std::string_view what) noexcept { return s.substr(0, what.size()) == what; }

// `what` is lower case.
bool starts_any_case(std::string_view s, std::string_view what) noexcept {
  return s.size() >= what.size() &&
         std::equal(what.begin(), what.end(), s.begin(), [](char w, char c) { return w == lower(c); });
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view skip_blanks(std::string_view s) noexcept {
  std::size_t n = 0;
  while (n < s.size() && is_blank(s[n])) n++;
  return s.substr(n);
}

// White space and comments. A comment that does not end within the text ends it.
std::string_view skip_comments(std::string_view s) noexcept {
  s = skip_blanks(s);
  while (starts(s, "<!--")) {
    const std::size_t end = s.find("-->", 4);
    if (end == std::string_view::npos) return {};
    s = skip_blanks(s.substr(end + 3));
  }
  return s;
}

struct Element {
  std::string_view start;  // lower case
  std::string_view mime;
};

// What the first element of a document says.
constexpr Element kElements[] = {
    {"<html", "text/html"},
    {"<head", "text/html"},
    {"<body", "text/html"},
    {"<title", "text/html"},
    {"<rss", "text/rss"},
    {"<soap:envelope", "application/soap+xml"},
    {"<soap-env:envelope", "application/soap+xml"},
    {"<cross-domain-policy", "text/x-cross-domain-policy"},
    {"<methodresponse>", "application/xml-rpc"},
    {"<jnlp ", "application/x-java-jnlp-file"},
};

std::string_view doctype(std::string_view s) noexcept {
  if (!starts_any_case(s, "<!doctype ")) return {};
  s = skip_blanks(s.substr(9));
  if (starts_any_case(s, "html")) return "text/html";
  if (starts_any_case(s, "cross-domain-policy")) return "text/x-cross-domain-policy";
  return {};
}

std::string_view markup_type(std::string_view s) noexcept {
  s = skip_comments(s);
  const bool is_xml = starts(s, "<?xml ");
  std::string_view root = s;
  if (is_xml) {
    const std::size_t end = s.find("?>");
    root = end == std::string_view::npos ? std::string_view() : skip_comments(s.substr(end + 2));
  }
  if (const std::string_view mime = doctype(root); !mime.empty()) return mime;
  for (const Element& e : kElements) {
    if (starts_any_case(root, e.start)) return e.mime;
  }
  if (starts_any_case(root, "<meta ") && starts_any_case(skip_blanks(root.substr(5)), "http-equiv")) return "text/html";
  if (starts_any_case(root, "<feed") && root.find("http://www.w3.org/2005/Atom") != std::string_view::npos)
    return "text/atom";
  if (is_xml) {
    if (starts(root, "<svg")) return "image/svg+xml";
    if (starts(root, "<urlset")) return "application/xml-sitemap";
    if (starts(root, "<kml")) return "application/vnd.google-earth.kml+xml";
    return "application/xml";
  }
  if (starts_any_case(s, "<script")) {
    const std::string_view rest = s.substr(7);
    if (starts(rest, ">")) {
      const std::string_view code = skip_blanks(rest.substr(1));
      if (starts(code, "var ") || starts(code, "function ")) return "application/javascript";
      return {};
    }
    std::string_view value = skip_blanks(rest);
    for (const std::string_view name : {"type="sv, "language="sv}) {
      if (!starts_any_case(value, name)) continue;
      value.remove_prefix(name.size());
      if (!value.empty() && (value[0] == '"' || value[0] == '\'')) value.remove_prefix(1);
      if (starts_any_case(value, "text/")) value.remove_prefix(5);
      return starts_any_case(value, "javascript") ? "application/javascript"sv : std::string_view();
    }
  }
  return {};
}

// Ends behind a quoted name that is not empty; 0 when there is none.
std::size_t quoted(std::string_view s) noexcept {
  if (s.empty() || s[0] != '"') return 0;
  const std::size_t end = s.find('"', 1);
  return end == std::string_view::npos || end == 1 ? 0 : end + 1;
}

std::size_t word(std::string_view s) noexcept {
  std::size_t n = 0;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  while (n < s.size() && (is_letter(s[n]) || (n > 0 && ((s[n] >= '0' && s[n] <= '9') || s[n] == '_')))) n++;
  return n;
}

std::size_t number(std::string_view s) noexcept {
  std::size_t n = 0;
  const auto digits = [&] {
    while (n < s.size() && s[n] >= '0' && s[n] <= '9') n++;
  };
  digits();
  if (n > 0 && n < s.size() && s[n] == '.') {
    n++;
    digits();
  }
  return n;
}

// RFC 8259, by its first member or element, as the first bytes are often all there is.
bool is_json(std::string_view s) noexcept {
  s = skip_blanks(s);
  if (starts(s, "{")) {
    s = skip_blanks(s.substr(1));
    if (starts(s, "}")) return skip_blanks(s.substr(1)).empty();
    std::size_t name = quoted(s);
    if (name == 0) name = word(s);
    if (name == 0) return false;
    s = skip_blanks(s.substr(name));
    if (!starts(s, ":")) return false;
    s = skip_blanks(s.substr(1));
    return starts(s, "\"") || starts(s, "[") || starts(s, "{") || number(s) > 0 || starts(s, "true") ||
           starts(s, "false");
  }
  if (starts(s, "[")) {
    s = skip_blanks(s.substr(1));
    if (starts(s, "]")) return skip_blanks(s.substr(1)).empty();
    if (starts(s, "{") || starts(s, "[")) return true;
    std::size_t element = quoted(s);
    if (element == 0) element = number(s);
    if (element == 0 && starts(s, "true")) element = 4;
    if (element == 0 && starts(s, "false")) element = 5;
    return element > 0 && starts(skip_blanks(s.substr(element)), ",");
  }
  return false;
}

// "#!/usr/bin/env python3": the interpreter behind "bin/".
std::string_view script_type(std::string_view s) noexcept {
  constexpr std::size_t kPathMax = 24;
  const std::string_view line = s.substr(2, s.find('\n') - 2);
  const std::size_t bin = line.substr(0, kPathMax).find("bin/");
  if (bin == std::string_view::npos || bin == 0) return {};
  std::string_view name = line.substr(bin + 4);
  if (starts(name, "env ")) name = skip_blanks(name.substr(4));
  static constexpr Element kInterpreters[] = {
      {"bash", "text/x-shellscript"},
      {"tcsh", "text/x-shellscript"},
      {"csh", "text/x-shellscript"},
      {"zsh", "text/x-shellscript"},
      {"ash", "text/x-shellscript"},
      {"fash", "text/x-shellscript"},
      {"aesh", "text/x-shellscript"},
      {"ksh", "text/x-shellscript"},
      {"sh", "text/x-shellscript"},
      {"perl", "text/x-perl"},
      {"ruby", "text/x-ruby"},
      {"python", "text/x-python"},
      {"gawk", "text/x-awk"},
      {"nawk", "text/x-awk"},
      {"awk", "text/x-awk"},
      {"wish", "text/x-tcl"},
      {"tcl", "text/x-tcl"},
      {"lua", "text/x-lua"},
      {"node", "application/javascript"},
      {"php", "text/x-php"},
  };
  for (const Element& e : kInterpreters) {
    if (starts(name, e.start)) return e.mime;
  }
  return {};
}

// Words at the very beginning.
constexpr Element kWords[] = {
    {"{\\rtf", "text/rtf"},
    {"-----begin pgp public key block-", "application/pgp-keys"},
    {"-----begin pgp signature-", "application/pgp-signature"},
    {"-----begin pgp message-", "application/pgp"},
    {"-----begin certificate-----", "application/x-pem"},
    {"begin:vcalendar", "text/calendar"},
    {"begin:vcard", "text/x-vcard"},
    {"delivered-to:", "message/rfc822"},
    {"return-path:", "message/rfc822"},
    {"received:", "message/rfc822"},
    {"(function(){", "application/javascript"},
    {"(function() {", "application/javascript"},
    {"@rem", "text/x-msdos-batch"},
    {"dnl ", "text/x-m4"},
};

std::string_view word_type(std::string_view s) noexcept {
  for (const Element& e : kWords) {
    if (starts_any_case(s, e.start)) return e.mime;
  }
  if (starts(s, "From:")) return "message/rfc822";
  if (starts(s, "@")) {
    const std::string_view command = skip_blanks(s.substr(1));
    if (starts_any_case(command, "echo ") && starts_any_case(skip_blanks(command.substr(4)), "off"))
      return "text/x-msdos-batch";
  }
  const std::string_view code = skip_blanks(s);
  if (starts(code, "for (;;);") || starts(code, "document.write(") || starts(code, "document.writeln("))
    return "application/javascript";
  return {};
}

// A unified diff: "--- a", a line end, "+++ b", a line end, "@@".
bool is_diff(std::string_view s) noexcept {
  std::size_t at = 0;
  for (const std::string_view mark : {"--- "sv, "\n+++ "sv, "\n@@"sv}) {
    at = s.find(mark, at);
    if (at == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

std::string_view text_type(Bytes head) noexcept {
  std::string_view s = as_text(head.first(std::min(head.size(), kTextScanBytes)));
  const std::string_view whole = s;
  // Byte order marks of UTF-8, UTF-16 and UTF-32, longest first (Unicode 23.8).
  std::string_view plain = s;
  for (const std::string_view mark :
       {"\xef\xbb\xbf"sv, "\x00\x00\xfe\xff"sv, "\xff\xfe\x00\x00"sv, "\xfe\xff"sv, "\xff\xfe"sv}) {
    if (!starts(whole, mark)) continue;
    plain = whole.substr(mark.size());
    if (mark.size() == 3) s = plain;
    break;
  }
  if (starts(whole, "#!")) {
    if (const std::string_view mime = script_type(whole); !mime.empty()) return mime;
  }
  if (const std::string_view mime = markup_type(s); !mime.empty()) return mime;
  if (is_json(s)) return "text/json";
  if (const std::string_view mime = word_type(whole); !mime.empty()) return mime;
  if (is_diff(whole)) return "text/x-diff";
  const std::size_t line = std::min(whole.find('\n'), whole.size());
  if (whole.substr(0, line).find("<?php") != std::string_view::npos) return "text/x-php";

  if (plain.size() < kTextBytesMin) return {};
  const bool is_text = std::all_of(plain.begin(), plain.begin() + kTextBytesMin,
                                   [](char c) { return (c >= 0x20 && c <= 0x7e) || (c >= '\t' && c <= '\r'); });
  return is_text ? "text/plain"sv : std::string_view();
}

}  // namespace catenary::files
