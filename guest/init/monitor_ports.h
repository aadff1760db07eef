#pragma once

#include <cstdint>

namespace bh::init {

/// Tells the monitor's boot timer that user space runs: the byte 123 at guest-physical 0xc0000000,
/// or at I/O port 0x3f0 when physical memory cannot be mapped. A machine without a boot timer
/// ignores either. Needs /dev.
void announce_boot();

/// Writes `status` to the monitor's exit port, I/O port 0xf4, which ends a machine that has one.
/// Returns where there is none.
void announce_exit(std::uint8_t status);

}  // namespace bh::init
