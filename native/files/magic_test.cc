// Types by first bytes: a row a format, then what decides between formats that begin alike, then the limits.
#include "files/magic.h"

#include <string>

#include "base/test.h"

using namespace catenary;
using files::mime_type;
using std::string_view_literals::operator""sv;

namespace {

std::string type_of(std::string_view head) { return std::string(mime_type(as_bytes(head))); }

struct Row {
  std::string_view head;
  std::string_view mime;
};

constexpr Row kRows[] = {
    {"MZ\x90\x00"sv, "application/x-dosexec"},
    {"\x7f\x45LF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00"sv, "application/x-executable"},
    {"\x7f\x45LF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00"sv, "application/x-sharedlib"},
    {"\x7f\x45LF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"sv, "application/x-executable"},
    {"\xcf\xfa\xed\xfe\x07\x00\x00\x01"sv, "application/x-mach-o-executable"},
    {"\xca\xfe\xba\xbe\x00\x00\x00\x02"sv, "application/x-mach-o-executable"},
    {"\xca\xfe\xba\xbe\x00\x00\x00\x34"sv, "application/x-java-applet"},
    {"GIF89a"sv, "image/gif"},
    {"\x89PNG\r\n\x1a\n"sv, "image/png"},
    {"\xff\xd8\xff\xe0"sv, "image/jpeg"},
    {"\xff\xfb\x90\x64"sv, "audio/mpeg"},
    {"ID3\x03"sv, "audio/mpeg"},
    {"RIFF\x24\x00\x00\x00WAVEfmt "sv, "audio/x-wav"},
    {"RIFF\x24\x00\x00\x00\x41VI LIST"sv, "video/x-msvideo"},
    {"RIFF\x24\x00\x00\x00WEBPVP8 "sv, "image/webp"},
    {"\x00\x00\x00\x18\x66typmp42"sv, "video/mp4"},
    {"\x00\x00\x00\x18\x66typqt  "sv, "video/quicktime"},
    {"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x82\x84webm"sv, "video/webm"},
    {"\x00\x00\x01\x00\x01\x00"sv, "image/x-icon"},
    {"\x1f\x8b\x08\x00"sv, "application/x-gzip"},
    {"BZh91AY"sv, "application/x-bzip2"},
    {"\xfd\x37zXZ\x00"sv, "application/x-xz"},
    {"7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {"Rar!\x1a\x07\x00"sv, "application/x-rar"},
    {"MSCF\x00\x00\x00\x00"sv, "application/vnd.ms-cab-compressed"},
    {"%PDF-1.7"sv, "application/pdf"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "application/msword"},
    {"{\\rtf1\\ansi"sv, "text/rtf"},
    {"CWS\x0a"sv, "application/x-shockwave-flash"},
    {"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"sv, "application/x-ms-shortcut"},
    {"!<arch>\ndebian-binary"sv, "application/x-debian-package"},
    {"!<arch>\nfoo.o/"sv, "application/x-archive"},
    {"!BDN\x00"sv, "application/vnd.ms-outlook"},
    {"x\x9f\x3e\x22"sv, "application/vnd.ms-tnef"},
    {"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"sv, "application/vnd.tcpdump.pcap"},
    {"\n\r\r\n\x1c\x00\x00\x00\x4d\x3c\x2b\x1a"sv, "application/vnd.tcpdump.pcap"},
    {"SQLite format 3\x00"sv, "application/x-sqlite3"},
    {"0\x43\x30\x41\x30\x3f\x30\x3d\x30\x3b\x30\x39\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05"sv,
     "application/ocsp-request"},
    {"0\x82\x01\xd3\x0a\x01\x00\xa0\x82\x01\xcc\x30\x82\x01\xc8\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01\x04"sv,
     "application/ocsp-response"},
    // text
    {"plain text of no kind"sv, "text/plain"},
    {"\xef\xbb\xbfplain text"sv, "text/plain"},
    {"<!DOCTYPE HTML PUBLIC"sv, "text/html"},
    {"\r\n\r\n <HtMl>"sv, "text/html"},
    {"<!-- a\nb --> <!-- c --><body>"sv, "text/html"},
    {"<?xml version=\"1.0\"?><html xmlns="sv, "text/html"},
    {"<?xml version=\"1.0\"?><a/>"sv, "application/xml"},
    {"<?xml version='1.0'"sv, "application/xml"},
    {"<?xml version=\"1.0\"?>\n<svg xmlns="sv, "image/svg+xml"},
    {"<?xml version=\"1.0\"?>\n<SOAP-ENV:Envelope "sv, "application/soap+xml"},
    {"<soap:Envelope xmlns"sv, "application/soap+xml"},
    {"<rss version=\"2.0\">"sv, "text/rss"},
    {"{\"a\": 1}"sv, "text/json"},
    {"{ a : \"b\" }"sv, "text/json"},
    {"{\"a\": null}"sv, "text/plain"},
    {"[1.5, 2]"sv, "text/json"},
    {"[{\"a\":1}]"sv, "text/json"},
    {" [] \n"sv, "text/json"},
    {"{}"sv, "text/json"},
    {"{} and more"sv, "text/plain"},
    {"[1] is a footnote"sv, "text/plain"},
    {"#!/bin/sh\nexit"sv, "text/x-shellscript"},
    {"#!/usr/bin/env python3\n"sv, "text/x-python"},
    {"#! /usr/bin/perl -w\n"sv, "text/x-perl"},
    {"#!/opt/thing\nexit 0\n"sv, "text/plain"},
    {"@echo off\r\n"sv, "text/x-msdos-batch"},
    {"<?php echo 1;"sv, "text/x-php"},
    {"GIF89\n<?php echo 1;"sv, "image/gif"},
    {"<script type=\"text/javascript\">"sv, "application/javascript"},
    {"<script> var x"sv, "application/javascript"},
    {"Received: from a"sv, "message/rfc822"},
    {"-----BEGIN CERTIFICATE-----"sv, "application/x-pem"},
    {"BEGIN:VCARD\n"sv, "text/x-vcard"},
    {"diff of two\n--- a\n+++ b\n@@ -1 +1 @@\n"sv, "text/x-diff"},
    // nothing
    {""sv, ""},
    {"\x00"sv, ""},
    {"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b"sv, ""},
    {"text\x00ual and more"sv, ""},
};

// A local file header, APPNOTE.TXT 4.3.7, of which only the name counts here.
std::string zip_entry(std::string_view name, std::string_view version = "\x14\x00\x00\x00"sv) {
  std::string s("PK\x03\x04"sv);
  s += version;
  s += std::string(18, '\x00');
  s += static_cast<char>(name.size());
  s += std::string("\x00\x00\x00", 3);
  s += name;
  return s;
}

}  // namespace

TEST(magic, formats) {
  for (const Row& row : kRows) EXPECT_EQ(type_of(row.head), std::string(row.mime));
}

TEST(magic, every_beginning_of_a_format_is_safe) {
  for (const Row& row : kRows) {
    for (std::size_t n = 0; n < row.head.size(); n++) {
      const std::string_view cut = row.head.substr(0, n);
      EXPECT(type_of(cut).size() < 128);
    }
  }
}

TEST(magic, a_zip_is_what_its_entries_say) {
  EXPECT_EQ(type_of(zip_entry("a.txt")), "application/zip");
  EXPECT_EQ(type_of(zip_entry("META-INF/MANIFEST.MF")), "application/java-archive");
  EXPECT_EQ(type_of(zip_entry("META-INF/") + zip_entry("META-INF/MANIFEST.MF")), "application/java-archive");
  EXPECT_EQ(type_of(zip_entry("[Content_Types].xml") + zip_entry("_rels/.rels") + zip_entry("word/document.xml")),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
  EXPECT_EQ(type_of(zip_entry("[Content_Types].xml") + "data" + zip_entry("xl/workbook.xml")),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  EXPECT_EQ(type_of(zip_entry("_rels/.rels") + zip_entry("ppt/slides")),
            "application/vnd.openxmlformats-officedocument.presentationml.presentation");
  EXPECT_EQ(type_of(zip_entry("[Content_Types].xml", "\x14\x00\x06\x00"sv)),
            "application/vnd.openxmlformats-officedocument");
  EXPECT_EQ(type_of(zip_entry("a.txt") + zip_entry("word/")), "application/zip");
  EXPECT_EQ(type_of(zip_entry("mimetypeapplication/epub+zip")), "application/epub+zip");
  EXPECT_EQ(type_of(zip_entry("mimetypeapplication/vnd.oasis.opendocument.textPK")),
            "application/vnd.oasis.opendocument.text");
  EXPECT_EQ(type_of(zip_entry("mimetypeapplication/vnd.oasis.opendocument.text-template")),
            "application/vnd.oasis.opendocument.text-template");
}

TEST(magic, formats_with_a_field_in_front) {
  std::string tar(512, '\x00');
  tar.replace(257, 5, "ustar");
  EXPECT_EQ(type_of(tar), "application/x-tar");
  EXPECT_EQ(type_of(tar.substr(0, 262)), "application/x-tar");
  EXPECT_EQ(type_of(tar.substr(0, 261)), "");
}

TEST(magic, text_shows_itself_in_ten_characters) {
  const std::string ten = "0123456789";
  static_assert(files::kTextBytesMin == 10);
  EXPECT_EQ(type_of(ten.substr(0, 9)), "");
  EXPECT_EQ(type_of(ten), "text/plain");
  EXPECT_EQ(type_of(ten + "\x01"), "text/plain");
  EXPECT_EQ(type_of("\xff\xfe" + ten.substr(0, 9)), "");
}

TEST(magic, markup_is_looked_for_in_the_first_kilobyte) {
  const auto behind_comment = [](std::size_t size) {
    // The comment ends at `size`, "<html>" follows.
    return "<!--" + std::string(size - 7, 'x') + "-->" + "<html>";
  };
  EXPECT_EQ(type_of(behind_comment(files::kTextScanBytes - 6)), "text/html");
  EXPECT_EQ(type_of(behind_comment(files::kTextScanBytes - 5)), "text/html");
  EXPECT_EQ(type_of(behind_comment(files::kTextScanBytes - 4)), "text/plain");
}

TEST(magic, only_the_first_bytes_count) {
  const auto entry_behind = [](std::size_t at) {
    std::string s = zip_entry("[Content_Types].xml");
    s.resize(at, 'x');
    return s + zip_entry("xl/workbook.xml");
  };
  const std::string_view kSheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  EXPECT_EQ(type_of(entry_behind(files::kSniffBytes - 34)), kSheet);
  EXPECT_EQ(type_of(entry_behind(files::kSniffBytes - 33)), kSheet);
  EXPECT_EQ(type_of(entry_behind(files::kSniffBytes - 32)), "application/zip");
}
