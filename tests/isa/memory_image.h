#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tests/isa/case.h"
#include "tests/isa/layout.h"

namespace bh::isa {

inline constexpr std::uint32_t kImageCount = 32;

/// What the data pages hold at the start: one of kImageCount images, the same in every run.
MemoryImage const& memory_image(std::uint32_t index);
/// Builds all images now: the child after fork() must not.
void build_memory_images();

/// Place in the image of a virtual address of either view, if it lies in a data page.
std::optional<std::size_t> image_offset(std::uint64_t address);

/// Writes a patch over an image.
void apply_patch(Patch const& patch, std::span<std::byte> image);

}  // namespace bh::isa
