// What a process that parses hostile traffic may still do once its socket and its folders are open: read the ring,
// write below those folders, talk through what it holds. Everything else is refused, by three walls that do not need
// each other: no capability is left and none can be gained, Landlock keeps the file system and TCP away, and a seccomp
// filter (a table of our own: libseccomp would be a library more for a list of numbers) refuses every other system call
// with EPERM.
#pragma once

#include <string>
#include <vector>

namespace catenary::worker {

struct Sandbox {
  int socket = -1;                   // of the interface: its counters are read, nothing is sent
  std::vector<std::string> folders;  // files may be made, written and renamed below
};

struct Walls {
  std::string error;          // not "": nothing may be parsed
  bool has_landlock = false;  // the kernel may have none, or none switched on
};

// For this process from here on, before it has threads. Cannot be undone.
Walls enter(const Sandbox& sandbox);

}  // namespace catenary::worker
