// catenary-capture: a capture process, started by the sensor and by nobody else (worker/worker.h).
#include "worker/worker.h"

int main(int argc, char** argv) { return catenary::worker::run(argc, argv); }
