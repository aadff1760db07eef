#include "os/host_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace bh::os {
namespace {

TEST(HostMemory, IsWhatTheKernelCountsInPages) {
  auto const bytes = host_memory();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace
}  // namespace bh::os
