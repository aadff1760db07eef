#include "jail/cgroup/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bh::jail {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CgroupSettings, NothingAskedIsNothingWritten) {
  EXPECT_THAT(settings_v1({}).value(), IsEmpty());
  EXPECT_THAT(settings_v2({}).value(), IsEmpty());
}

TEST(CgroupSettings, MemoryComesBeforeMemoryAndSwap) {
  Resources resources;
  resources.memory.limit = 64 << 20;
  resources.memory.swap = 96 << 20;
  EXPECT_THAT(settings_v1(resources).value(),
              ElementsAre(CgroupSetting{"memory", "memory.limit_in_bytes", "67108864"},
                          CgroupSetting{"memory", "memory.memsw.limit_in_bytes", "100663296"}));
  EXPECT_THAT(settings_v2(resources).value(),
              ElementsAre(CgroupSetting{"memory", "memory.max", "67108864"},
                          CgroupSetting{"memory", "memory.swap.max", "33554432"}));
}

TEST(CgroupSettings, NoLimitIsSpelledAsEachVersionDoes) {
  Resources resources;
  resources.memory.limit = -1;
  resources.pids = -1;
  EXPECT_THAT(settings_v1(resources).value(),
              ElementsAre(CgroupSetting{"memory", "memory.limit_in_bytes", "-1"},
                          CgroupSetting{"pids", "pids.max", "max"}));
  EXPECT_THAT(settings_v2(resources).value(),
              ElementsAre(CgroupSetting{"memory", "memory.max", "max"},
                          CgroupSetting{"pids", "pids.max", "max"}));
}

TEST(CgroupSettings, SharesBecomeAWeight) {
  Resources resources;
  resources.cpu.shares = 1024;
  resources.cpu.quota = 20000;
  resources.cpu.period = 100000;
  EXPECT_THAT(settings_v2(resources).value(),
              ElementsAre(CgroupSetting{"cpu", "cpu.weight", "39"},
                          CgroupSetting{"cpu", "cpu.max", "20000 100000"}));
  EXPECT_THAT(settings_v1(resources).value(), Contains(CgroupSetting{"cpu", "cpu.shares", "1024"}));
}

TEST(CgroupSettings, ThrottlesNameTheDevice) {
  Resources resources;
  resources.block.read_bytes.push_back({.major = 8, .minor = 16, .rate = 1000});
  EXPECT_THAT(settings_v1(resources).value(),
              ElementsAre(CgroupSetting{"blkio", "blkio.throttle.read_bps_device", "8:16 1000"}));
  EXPECT_THAT(settings_v2(resources).value(),
              ElementsAre(CgroupSetting{"io", "io.max", "8:16 rbps=1000"}));
}

TEST(CgroupSettings, WhatAVersionHasNotIsRefused) {
  Resources unified;
  unified.unified["memory.high"] = "1";
  EXPECT_EQ(settings_v1(unified).error().code, Errc::Unsupported);
  EXPECT_THAT(settings_v2(unified).value(),
              ElementsAre(CgroupSetting{"memory", "memory.high", "1"}));
  Resources network;
  network.network_class = 7;
  EXPECT_EQ(settings_v2(network).error().code, Errc::Unsupported);
}

TEST(CgroupSettings, AFileOutsideTheGroupIsRefused) {
  for (auto const* const file : {"../memory.max", "cgroup.procs", ".", "a/b"}) {
    Resources resources;
    resources.unified[file] = "1";
    EXPECT_FALSE(settings_v2(resources)) << file;
  }
}

TEST(CgroupSettings, DeviceLinesHaveStarsForAll) {
  EXPECT_EQ(device_line({.allow = true, .type = 'c', .major = 1, .minor = {}, .access = "rw"}),
            "c 1:* rw");
}

TEST(CgroupSettings, EachLimitGoesToTheTreeThatHasItsController) {
  Resources resources;
  resources.memory.limit = 1;
  resources.cpu.shares = 2;
  resources.cpu.cpus = "0";
  resources.hugepages.push_back({.page_size = "2MB", .limit = 3});
  resources.unified.emplace("hugetlb.1GB.max", "4");
  auto const hybrid = [](std::string_view controller) { return controller != "hugetlb"; };
  auto const parts = split_resources(resources, hybrid);
  EXPECT_EQ(parts.legacy.memory.limit, 1);
  EXPECT_EQ(parts.legacy.cpu.shares, 2U);
  EXPECT_EQ(parts.legacy.cpu.cpus, "0");
  EXPECT_THAT(parts.legacy.hugepages, IsEmpty());
  EXPECT_THAT(settings_v2(parts.unified).value(),
              ElementsAre(CgroupSetting{"hugetlb", "hugetlb.2MB.max", "3"},
                          CgroupSetting{"hugetlb", "hugetlb.1GB.max", "4"}));
}

TEST(CgroupSettings, WhatOnlyTheFirstVersionHasIsRefusedByTheSecond) {
  Resources resources;
  resources.memory.swappiness = 10;
  EXPECT_EQ(settings_v2(resources).error().code, Errc::Unsupported);
  resources.memory = {};
  resources.memory.kernel_tcp = 4096;
  EXPECT_EQ(settings_v2(resources).error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace bh::jail
