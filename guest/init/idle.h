#pragma once

namespace bh::init {

/// Has the kernel wake up less often when there is nothing to do, where it can be told. Needs
/// /proc.
void let_kernel_sleep();

}  // namespace bh::init
