#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "vmm/soft/translate/testing/block_listing.h"

namespace bh::vmm::soft {
namespace {

constexpr TranslationMode kProgram{.user = true, .x87 = true, .avx = true, .sse = true};
constexpr TranslationMode kKernel{.sse = true};

struct Sample {
  char const* name;
  TranslationMode mode;
  std::vector<std::uint8_t> code;
};

// What an instruction costs shows here: a change of the translator changes the file beside this
// one, and is reviewed with it.
std::vector<Sample> samples() {
  return {
      {"registers_only", kProgram, {0x48, 0x01, 0xd8, 0x48, 0x8d, 0x04, 0x48, 0xc3}},
      {"r11_and_r15", kProgram, {0x4d, 0x01, 0xfb, 0x49, 0x83, 0xc7, 0x01, 0xc3}},
      {"load", kProgram, {0x48, 0x8b, 0x43, 0x08, 0xc3}},
      {"store", kProgram, {0x48, 0x89, 0x43, 0x08, 0xc3}},
      {"read_change_write", kProgram, {0xf0, 0x48, 0xff, 0x03, 0xc3}},
      {"neighbours_share_a_probe", kProgram, {0x48, 0x8b, 0x03, 0x48, 0x8b, 0x4b, 0x08, 0xc3}},
      {"flags_over_a_probe", kProgram, {0x48, 0x39, 0xd8, 0x48, 0x8b, 0x0b, 0x72, 0x02}},
      {"relative_to_rip", kProgram, {0x8b, 0x05, 0x00, 0x10, 0x00, 0x00, 0xc3}},
      {"in_fs", kProgram, {0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0x00, 0x00, 0x00, 0xc3}},
      {"pushes", kProgram, {0x55, 0x53, 0x41, 0x57, 0xc3}},
      {"pops_and_return", kProgram, {0x5b, 0x5d, 0xc3}},
      {"loop", kProgram, {0xff, 0xc9, 0x75, 0xfc}},
      {"call_in_the_page", kProgram, {0xe8, 0x10, 0x00, 0x00, 0x00}},
      {"call_of_another_page", kProgram, {0xe8, 0x00, 0x20, 0x00, 0x00}},
      {"indirect_call", kProgram, {0xff, 0xd0}},
      {"jump_by_a_table", kProgram, {0xff, 0x24, 0xc5, 0x00, 0x20, 0x40, 0x00}},
      {"scalar_floating_point", kProgram, {0xf2, 0x0f, 0x58, 0xc1, 0xf2, 0x0f, 0x59, 0x06, 0xc3}},
      {"avx", kProgram, {0xc5, 0xf5, 0x58, 0x06, 0xc5, 0xf8, 0x77, 0xc3}},
      {"x87", kProgram, {0xdd, 0x06, 0xd9, 0xe8, 0xde, 0xc1, 0xc3}},
      {"fill_string", kProgram, {0xf3, 0x48, 0xab, 0xc3}},
      {"copy_string", kProgram, {0xf3, 0xa4, 0xc3}},
      {"bit_string", kProgram, {0xf0, 0x48, 0x0f, 0xab, 0x03, 0xc3}},
      {"bases_and_selectors", kProgram, {0xf3, 0x48, 0x0f, 0xae, 0xd0, 0x8c, 0xd8, 0xc3}},
      {"stepped", kProgram, {0x0f, 0xa2, 0xc3}},
      {"kernel_entry", kKernel, {0x0f, 0x01, 0xf8, 0x9c, 0xfa, 0xfb, 0xc3}},
  };
}

TEST(GoldenTest, EmittedCodeIsWhatWasReviewed) {
  std::filesystem::path const folder = BULKHEAD_GOLDENS;
  bool const update = std::getenv("BULKHEAD_UPDATE_GOLDENS") != nullptr;
  for (auto const& sample : samples()) {
    auto const path = folder / (std::string(sample.name) + ".txt");
    auto const listing = list_block(sample.code, sample.mode);
    if (update) {
      std::ofstream(path) << listing;
      continue;
    }
    std::ifstream file(path);
    std::string const wanted{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(listing, wanted)
        << path
        << ": if it is meant, run this with BULKHEAD_UPDATE_GOLDENS=1 and look at the difference";
  }
  if (update) GTEST_SKIP() << "wrote " << folder;
}

}  // namespace
}  // namespace bh::vmm::soft
