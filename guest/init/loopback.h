#pragma once

namespace bh::init {

/// Sets the interface `lo` up; the kernel gives it 127.0.0.1 and ::1 by itself. Says what failed;
/// a kernel without networking is no failure.
void bring_up_loopback();

}  // namespace bh::init
