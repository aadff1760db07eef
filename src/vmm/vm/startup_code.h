#pragma once

#include <string_view>

namespace bh::vmm {

/// Unmaps this process's pages of program and library code. What is still needed comes back with a
/// page fault each, out of the page cache; what only the start needed (readers of configurations,
/// kernels and compressed files) no longer counts as resident memory of this process. A debugger's
/// breakpoints in it are gone.
void release_startup_code();

/// The same of what one line of /proc/self/maps names, if it is code of a file; else nothing.
void release_code(std::string_view mapping);

}  // namespace bh::vmm
