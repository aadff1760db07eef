#pragma once

#include <cstdint>

namespace bh::vmm::soft {

enum class Access : std::uint8_t { Read, Write, Execute };
enum class Privilege : std::uint8_t { Supervisor, User };

}  // namespace bh::vmm::soft
