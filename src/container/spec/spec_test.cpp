#include "container/spec/spec.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace bh::container {
namespace {

struct Wrong {
  char const* part;
  char const* message;
};

std::string with_process(std::string const& members) {
  return R"({"ociVersion":"1.2.0","root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}]},)"
         R"("process":{"cwd":"/","args":["sh"])" +
         members + "}}";
}

std::string with_linux(std::string const& members) {
  return R"({"ociVersion":"1.2.0","root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}])" +
         members + "}}";
}

std::string with_top(std::string const& members) {
  return R"({"ociVersion":"1.2.0","root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}]})" +
         members + "}";
}

TEST(Spec, ReadsWhatIsThereAndDefaultsTheRest) {
  auto const spec = parse_spec(with_process(R"(,"user":{"uid":7,"additionalGids":[1,2]})"));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->process->user.uid, 7U);
  EXPECT_EQ(spec->process->user.groups.size(), 2U);
  EXPECT_FALSE(spec->process->capabilities);
  EXPECT_TRUE(spec->os.makes(CLONE_NEWNS));
  EXPECT_FALSE(spec->os.makes(CLONE_NEWPID));
}

TEST(Spec, IgnoresMembersItDoesNotKnow) {
  EXPECT_TRUE(parse_spec(with_top(R"(,"org.example.thing":{"a":[1]})")));
}

TEST(Spec, MistakesInTheProcessNameTheirPlace) {
  Wrong const wrongs[] = {
      {R"(,"env":"A=b")", "process.env: expected an array, found a string"},
      {R"(,"env":["A=b",3])", "process.env[1]: expected a string, found a number"},
      {R"(,"user":{"uid":-1})", "process.user.uid: must be from 0 to 4294967295"},
      {R"(,"user":{"uid":4294967296})", "process.user.uid: must be from 0 to 4294967295"},
      {R"(,"user":{"uid":4294967295})", "process.user: 4294967295 is no user or group"},
      {R"(,"user":{"uid":1.5})", "process.user.uid: expected a whole number, found a fraction"},
      {R"(,"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}])",
       "process.rlimits[0]: type: \"RLIMIT_X\" is no resource limit"},
      {R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}])",
       "process.rlimits[0]: soft is more than hard"},
      {R"(,"capabilities":{"bounding":[7]})",
       "process.capabilities.bounding[0]: expected a string, found a number"},
      {R"(,"oomScoreAdj":1001)", "process: oomScoreAdj must be from -1000 to 1000"},
      {R"(,"env":["a\u0000b"])", "process.env[0]: contains a NUL byte"},
  };
  for (auto const& wrong : wrongs) {
    auto const spec = parse_spec(with_process(wrong.part));
    ASSERT_FALSE(spec) << wrong.part;
    EXPECT_EQ(spec.error().message, wrong.message);
    EXPECT_EQ(spec.error().code, Errc::Invalid);
  }
}

TEST(Spec, MistakesInLinuxNameTheirPlace) {
  Wrong const wrongs[] = {
      {R"(,"devices":[{"path":"/dev/x","type":"z"}])",
       "linux.devices[0]: type must be c, b, u or p"},
      {R"(,"uidMappings":[{"containerID":0,"hostID":0,"size":1}])",
       "linux: uidMappings and gidMappings need a user namespace"},
      {R"(,"uidMappings":[{"containerID":0,"hostID":0,"size":0}])",
       "linux: uidMappings: a range of no ids"},
      {R"(,"resources":{"memory":{"limit":"1g"}})",
       "linux.resources.memory.limit: expected a whole number, found a string"},
      {R"(,"resources":{"devices":[{"allow":true,"access":"rwx"}]})",
       "linux.resources.devices[0]: access must be of the letters r, w and m"},
      {R"(,"sysctl":{"kernel.panic":"1"})",
       "linux: sysctl: \"kernel.panic\" belongs to no namespace and would change the host"},
      {R"(,"sysctl":{"net.ipv4.ip_forward":"1"})",
       "linux: sysctl: \"net.ipv4.ip_forward\" would change the host: it needs a namespace of type "
       "network"},
      {R"(,"rootfsPropagation":"some")",
       "linux: rootfsPropagation: \"some\" is none of private, slave, shared and unbindable, with "
       "or without an r in front"},
      {R"(,"timeOffsets":{"monotonic":{"secs":1}})",
       "linux: timeOffsets need a new time namespace"},
      {R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_KILL"}]})",
       "linux.seccomp.syscalls[0]: names is empty"},
  };
  for (auto const& wrong : wrongs) {
    auto const spec = parse_spec(with_linux(wrong.part));
    ASSERT_FALSE(spec) << wrong.part;
    EXPECT_EQ(spec.error().message, wrong.message);
  }
}

TEST(Spec, MistakesAtTheTopNameTheirPlace) {
  Wrong const wrongs[] = {
      {R"(,"mounts":[{"type":"tmpfs"}])", "mounts[0]: \"destination\" is missing"},
      {R"(,"mounts":[{"destination":"/x"}])",
       "mounts[0]: type is missing, and the options do not say bind"},
      {R"(,"mounts":[{"destination":"/x","type":"bind"}])",
       "mounts[0]: source of a bind mount is empty"},
      {R"(,"hooks":{"poststop":[{"path":"x"}]})", "hooks.poststop[0]: path must begin with /"},
      {R"(,"hostname":"h")", "hostname needs a namespace of type uts"},
      {R"(,"annotations":{"a.b":1})", "annotations[\"a.b\"]: expected a string, found a number"},
      {R"(,"windows":{})", "\"windows\" is not supported here"},
  };
  for (auto const& wrong : wrongs) {
    auto const spec = parse_spec(with_top(wrong.part));
    ASSERT_FALSE(spec) << wrong.part;
    EXPECT_EQ(spec.error().message, wrong.message);
  }
}

TEST(Spec, BadNamespacesAreRefused) {
  auto const with = [](std::string const& namespaces) {
    return parse_spec(R"({"ociVersion":"1.0.2","root":{"path":"r"},"linux":{"namespaces":)" +
                      namespaces + "}}");
  };
  EXPECT_EQ(with(R"([{"type":"mount"},{"type":"mount"}])").error().message,
            "linux: namespaces: \"mount\" is there twice");
  EXPECT_EQ(with(R"([{"type":"net"}])").error().message,
            "linux.namespaces[0]: type: \"net\" is no type of namespace");
  EXPECT_EQ(with(R"([{"type":"mount","path":"x"}])").error().message,
            "linux.namespaces[0]: path must begin with /");
  EXPECT_EQ(with("[]").error().code, Errc::Unsupported);
}

TEST(Spec, BrokenJsonShowsLineAndColumn) {
  EXPECT_EQ(parse_spec("{\n \"a\": x}").error().message, "JSON: syntax error at line 2 column 7");
  EXPECT_FALSE(parse_spec(""));
  EXPECT_FALSE(parse_spec("{} {}"));
  EXPECT_FALSE(parse_spec("[]"));
  EXPECT_FALSE(parse_spec(std::string(1000, '[')));
}

TEST(Spec, UnsupportedMembersAreNotIgnored) {
  auto const spec = parse_spec(with_linux(R"(,"intelRdt":{"closID":"x"})"));
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().code, Errc::Unsupported);
  EXPECT_EQ(spec.error().message, "linux.intelRdt: not supported");
}

TEST(Spec, NotesCapabilitiesItDoesNotKnow) {
  auto const spec = parse_spec(
      with_process(R"(,"capabilities":{"bounding":["CAP_X","CAP_KILL"],"ambient":["CAP_X"]})"));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->process->unknown_capabilities, std::vector<std::string>{"CAP_X"});
  EXPECT_EQ(spec->process->capabilities->bounding, 1U << 5);
}

}  // namespace
}  // namespace bh::container
