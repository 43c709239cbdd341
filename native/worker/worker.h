// The life of a capture process: one worker of one interface, from its command line to its end.
//
//   catenary-capture --interface IF [--filter BPF] [--snaplen N] [--buffer-mb N] [--quiet-interface] [--adapter-clock]
//                    [--workers N --worker K --group N] [--cpu N] [--quarantine HEX]...
//                    [--packets DIR --epoch N --segment-bytes N --segment-seconds N --cutoff-bytes N]
//                    [--files DIR --file-bytes N --source-bytes N]
//
//   0  commands, a line each: "hold UID", "release UID", "key HEX" first; its end is the end, in order
//   2  what goes wrong, in words
//   3  the channel (channel.h)        4  a pipe that is written to when there is something in it
//
// Exits with 0 when it was told to end, 1 when it could not begin, 3 when the interface went away.
#pragma once

namespace catenary::worker {

int run(int argc, char** argv);

}  // namespace catenary::worker
