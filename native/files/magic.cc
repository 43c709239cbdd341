#include "files/magic.h"

namespace catenary::files {

std::string_view mime_type(Bytes head, bool) noexcept {
  if (head.size() >= 2 && head[0] == 'M' && head[1] == 'Z') return "application/x-dosexec";
  return {};
}

}  // namespace catenary::files
