#pragma once

namespace bh::machine {

/// bulkhead-supervise as `copy PID REQUEST`: carries files between the tar on our standard input or
/// output and the container whose first process PID is. Its exit status; errors are words on
/// standard error.
int copy_in_container(int argc, char** argv);

}  // namespace bh::machine
