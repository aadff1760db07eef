#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/isa/case.h"

namespace bh::isa {

inline constexpr std::array<std::string_view, 16> kRegisterNames{
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string describe_flags(std::uint64_t rflags);  // "0246 PF ZF IF"
std::string describe_vector(std::uint8_t vector);  // "#GP"
std::string describe_ending(Ending ending);

}  // namespace bh::isa
