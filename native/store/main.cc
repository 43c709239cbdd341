// catenary-store: a ClickHouse server as a process of its own, out of the library of the npm package
// @chdb/lib-linux-x64-gnu.
//
//   catenary-store LIBRARY [ARGUMENT...]     the arguments are those of `clickhouse local`
//
// The library exports chdb_query_cmdline, the whole of `clickhouse local`, and its statement SYSTEM START LISTEN turns
// that into a server. src/store/launcher.ts says what is asked of it; this program adds only what the library lacks:
// the process does not outlive its parent. Standard input is the tie: when it ends, the parent is gone or wants an end.
#include <dlfcn.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

constexpr int kExitUsage = 2;
constexpr int kExitTied = 3;

using Run = void*(int, char**);
using ErrorOf = const char*(void*);

// Ends the process when standard input does. At once: what was acknowledged is on disk, and an orderly end is asked for
// over HTTP, where the launcher kills the statement that this process waits in.
void follow_parent() {
  char ignored[64];
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, ignored, sizeof ignored);
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  _exit(kExitTied);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("catenary-store: usage: catenary-store LIBRARY [ARGUMENT...]\n", stderr);
    return kExitUsage;
  }
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "catenary-store: %s\n", dlerror());
    return kExitUsage;
  }
  auto* const run = std::bit_cast<Run*>(dlsym(library, "chdb_query_cmdline"));
  auto* const error_of = std::bit_cast<ErrorOf*>(dlsym(library, "chdb_result_error"));
  if (run == nullptr || error_of == nullptr) {
    std::fprintf(stderr, "catenary-store: %s has no chdb_query_cmdline: another version of the package\n", argv[1]);
    return kExitUsage;
  }
  std::thread(follow_parent).detach();

  // The library takes its own name first, then the arguments, as a main() would.
  std::vector<char*> arguments(argv + 1, argv + argc);
  arguments[0] = argv[0];
  const int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  void* const result = run(count, arguments.data());
  const char* const error = result == nullptr ? "no result" : error_of(result);
  // The library's own threads may still run: its destructors would race with them.
  if (error == nullptr) _exit(0);
  std::fprintf(stderr, "catenary-store: %s\n", error);
  _exit(1);
}
