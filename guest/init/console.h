#pragma once

namespace bh::init {

/// Makes /dev/console, or /dev/null where there is none, descriptors 0, 1 and 2. Needs /dev.
void open_console();

/// Gives descriptor 0's terminal to the calling process, which must lead a session of its own.
/// Interrupt and job control keys then reach it. Async-signal-safe.
void take_terminal();

/// Waits, five seconds at most, until what was written to the console has left the machine.
void drain_console();

}  // namespace bh::init
