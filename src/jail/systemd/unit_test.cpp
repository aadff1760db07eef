#include "jail/systemd/unit.h"

#include <gtest/gtest.h>

namespace bh::jail {
namespace {

struct Case {
  char const* path;
  char const* name;
  char const* slice;
};

TEST(SystemdUnit, IsMadeFromThePathsOfEngines) {
  for (auto const& one :
       {Case{"", "bulkhead-id.scope", ""},
        Case{"machine.slice:libpod:abc", "libpod-abc.scope", "machine.slice"},
        Case{"kubepods.slice:cri-containerd:abc", "cri-containerd-abc.scope", "kubepods.slice"},
        Case{":crio:abc", "crio-abc.scope", ""}, Case{"a.slice::abc", "abc.scope", "a.slice"}}) {
    auto const unit = systemd_unit(one.path, "id");
    ASSERT_TRUE(unit) << one.path;
    EXPECT_EQ(unit->name, one.name);
    EXPECT_EQ(unit->slice, one.slice);
  }
}

TEST(SystemdUnit, PathsOfOtherKindsAreRefused) {
  for (auto const* const path :
       {"/a/b", "a", "a:b", "a:b:", "a:b:c:d", "a:b/../c:d", "a.slice:x:a-pod.slice"}) {
    EXPECT_FALSE(systemd_unit(path, "id")) << path;
  }
}

TEST(SystemdUnit, ASetOfProcessorsIsABitEach) {
  Resources resources;
  resources.cpu.cpus = "0-2,9";
  DbusWriter out;
  append_unit_limits(resources, out);
  DbusReader reader(out.bytes());
  EXPECT_EQ(reader.text(), "AllowedCPUs");
  EXPECT_EQ(reader.signature(), "ay");
  EXPECT_EQ(reader.natural32(), 2U);
  EXPECT_EQ(reader.byte(), 7U);
  EXPECT_EQ(reader.byte(), 2U);
}

}  // namespace
}  // namespace bh::jail
