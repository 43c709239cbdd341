// What a file is, by its first bytes: MIME names as file(1) and Zeek write them. Never by name or by claim.
//
// A table of signatures indexed by the first byte (a few comparisons a file), a few checks for formats that begin
// with a free field, a look into the directory of a ZIP, and for text a look behind comments and the XML
// declaration. When several types fit, the more specific one wins: a signature that says more bytes outranks one
// that says fewer, any of them outranks text.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace catenary::files {

// As in Zeek: the type is decided on at most so many of the first bytes.
inline constexpr std::size_t kSniffBytes = 4096;
// Of a text, so much is searched for what follows a comment or an XML declaration.
inline constexpr std::size_t kTextScanBytes = 1024;
// A text shows itself in its first characters; a shorter file has no type.
inline constexpr std::size_t kTextBytesMin = 10;

// `head` holds the first bytes of a file. Static text; empty when nothing fits. Cost: one pass over at most
// kSniffBytes for a ZIP, over kTextScanBytes for a text, a few comparisons for all else.
std::string_view mime_type(Bytes head) noexcept;

// The part of mime_type() for text.
std::string_view text_type(Bytes head) noexcept;

}  // namespace catenary::files
