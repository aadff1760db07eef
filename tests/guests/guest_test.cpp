#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <string>

#include "guest_engines.h"
#include "guest_runner.h"

namespace bh::guest_test {
namespace {

using vmm::InterruptChips;

/// One program, and what must come of it.
struct GuestCase {
  std::string_view name;
  GuestSetup setup = {};
  Ending ending = Ending::Exit;
  std::string_view text = {};
  /// Contains what only a KVM that can run an ordinary kernel runs.
  bool whole_cpu = false;
  /// Expects what hardware does and QEMU's TCG does not (which sometimes hangs when a nested guest
  /// writes its own code), so that it says nothing about KVM on TCG.
  bool beyond_tcg = false;
};

constexpr GuestSetup kReal{.mode = StartMode::Real};
constexpr GuestSetup kChips{.chips = InterruptChips::Present};
constexpr GuestSetup kTwoVcpus{.chips = InterruptChips::Present, .vcpus = 2};

// Set where the host's CPU is QEMU's TCG.
constexpr char const* kOnTcg = "BULKHEAD_GUESTS_ON_TCG";

constexpr GuestCase kCases[] = {
    {.name = "hello", .text = "hello from long mode\n"},
    {.name = "hello16", .setup = kReal, .text = "hello from real mode\n"},
    {.name = "halt", .ending = Ending::Halted},
    {.name = "triple_fault", .ending = Ending::Shutdown},
    {.name = "ports"},
    {.name = "mmio"},
    {.name = "modes", .setup = kReal, .text = "16 32 64 32 16 "},
    {.name = "exceptions", .whole_cpu = true},
    {.name = "page_faults", .whole_cpu = true},
    {.name = "paging"},
    {.name = "user_mode", .whole_cpu = true},
    {.name = "segments", .whole_cpu = true},
    {.name = "debug", .whole_cpu = true},
    {.name = "fpu", .whole_cpu = true},
    {.name = "self_modifying", .whole_cpu = true, .beyond_tcg = true},
    {.name = "strings"},
    {.name = "pic", .setup = kChips, .whole_cpu = true},
    {.name = "lapic", .setup = kChips, .whole_cpu = true},
    {.name = "ioapic", .setup = kChips, .whole_cpu = true},
    {.name = "smp", .setup = kTwoVcpus},
    {.name = "exact", .whole_cpu = true, .beyond_tcg = true},
    {.name = "alignment", .whole_cpu = true, .beyond_tcg = true},
};

struct Param {
  GuestEngine engine;
  GuestCase guest;
};

void PrintTo(Param const& param, std::ostream* out) {
  *out << param.guest.name;
}

std::vector<Param> params() {
  std::vector<Param> all;
  for (GuestEngine const& engine : guest_engines()) {
    for (GuestCase const& guest : kCases) all.push_back({engine, guest});
  }
  return all;
}

class GuestTest : public testing::TestWithParam<Param> {};

TEST_P(GuestTest, RunsToItsExpectedEnd) {
  auto const& [engine, guest] = GetParam();
  if (auto const why = engine.absence(); !why.empty()) GTEST_SKIP() << why;
  if (engine.name == "kvm" && guest.beyond_tcg && std::getenv(kOnTcg) != nullptr) {
    GTEST_SKIP() << kOnTcg << " is set: KVM is under QEMU's TCG, which is not exact";
  }
  auto const images = guest_images();
  auto const image = std::ranges::find(images, guest.name, &GuestImage::name);
  ASSERT_NE(image, images.end());

  auto const outcome = run_guest(engine.make, *image, guest.setup);
  ASSERT_TRUE(outcome) << outcome.error().message;
  bool const passed = outcome->ending == guest.ending && outcome->status <= 0;
  if (auto const why = engine.weakness(); !passed && guest.whole_cpu && !why.empty()) {
    GTEST_SKIP() << describe(*outcome) << "; " << why;
  }
  EXPECT_EQ(outcome->ending, guest.ending) << describe(*outcome);
  if (guest.ending == Ending::Exit) {
    EXPECT_EQ(outcome->status, 0) << describe(*outcome);
  }
  if (!guest.text.empty()) {
    EXPECT_EQ(outcome->text, guest.text);
  }
}

INSTANTIATE_TEST_SUITE_P(Guests, GuestTest, testing::ValuesIn(params()), [](auto const& info) {
  return std::string(info.param.engine.name) + "_" + std::string(info.param.guest.name);
});

TEST(GuestImages, AreAllRun) {
  for (GuestImage const& image : guest_images()) {
    if (image.name.starts_with("state")) continue;  // guest_state_test.cpp
    EXPECT_NE(std::ranges::find(kCases, image.name, &GuestCase::name), std::end(kCases))
        << image.name;
  }
}

}  // namespace
}  // namespace bh::guest_test
