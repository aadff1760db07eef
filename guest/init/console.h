#pragma once

namespace bh::init {

/// Makes /dev/console, or /dev/null where there is none, descriptors 0, 1 and 2. Needs /dev.
void open_console();

/// Gives descriptor 0's terminal to the calling process's session, which it must lead. From then on
/// the process ignores SIGTTOU.
void take_terminal();

/// Makes the calling process, of the session that has the terminal, the group that interrupt and
/// job control keys reach. Async-signal-safe.
void come_to_foreground();

/// Waits, five seconds at most, until what was written to the console has left the machine.
void drain_console();

}  // namespace bh::init
