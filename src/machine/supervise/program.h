#pragma once

namespace bh::machine {

/// The program bulkhead-supervise, also for what it has to do beside itself (copy/in_container.h,
/// supervise/probe_port.h):
/// its exit status. Arguments are those that start_supervisor()
/// gives: ROOT ID at-once|when-attached. What comes of the start is written to descriptor 3, one
/// JSON object.
int supervise(int argc, char** argv);

}  // namespace bh::machine
