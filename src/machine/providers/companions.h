#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::machine {

/// The folder of this program: its companions are installed beside it.
Result<std::filesystem::path> program_folder();

/// The program `name` of the first of `places` that has it.
Result<std::string> find_companion(std::string_view name,
                                   std::initializer_list<std::filesystem::path> places);

/// A kernel for guests: the one installed with this program, or the one that `./dev guest-kernel`
/// makes.
Result<std::string> find_guest_kernel();

/// The folder of this program in the user's cache (XDG Base Directory Specification), which is
/// made; empty if it cannot be.
std::filesystem::path cache_folder();

}  // namespace bh::machine
