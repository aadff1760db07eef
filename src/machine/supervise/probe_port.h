#pragma once

namespace bh::machine {

/// bulkhead-supervise as `probe PID PORT PATH`: asks a port of the loopback that the process PID
/// has, and its HTTP for PATH unless that is empty. Its exit status; what was wrong is on standard
/// error.
int probe_port(int argc, char** argv);

}  // namespace bh::machine
