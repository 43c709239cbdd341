// CHECK: our own code is wrong, stop here rather than go on with a lie. Never for traffic.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CATENARY_CHECK(cond)                                                                   \
  do {                                                                                         \
    if (!(cond)) {                                                                             \
      std::fprintf(stderr, "catenary: check failed: %s (%s:%d)\n", #cond, __FILE__, __LINE__); \
      std::abort();                                                                            \
    }                                                                                          \
  } while (0)
