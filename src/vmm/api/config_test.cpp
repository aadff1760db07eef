#include "vmm/api/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace bh::vmm {
namespace {

std::string error_of(std::string_view json) {
  auto const config = parse_config(json);
  return config ? "no error" : config.error().message;
}

/// A configuration that is fine but for `section`, e.g. "drives": [].
std::string with(std::string_view section) {
  return R"({"boot-source":{"kernel_image_path":"k"},)" + std::string(section) + "}";
}

TEST(Config, ReadsAFirecrackerFile) {
  auto const config = parse_config(R"({
    "boot-source": {
      "kernel_image_path": "vmlinux.bin",
      "boot_args": "console=ttyS0 reboot=k panic=1",
      "initrd_path": null
    },
    "drives": [],
    "machine-config": {
      "vcpu_count": 2, "mem_size_mib": 1024, "smt": false, "track_dirty_pages": false,
      "huge_pages": "Transparent", "cpu_template": "None"
    },
    "cpu-config": null, "balloon": null, "network-interfaces": [], "vsock": null,
    "logger": {"log_path": "x.log", "level": "debug", "show_level": true,
               "show_log_origin": false, "module": "vmm"},
    "metrics": null, "mmds-config": null, "entropy": null, "pmem": [], "memory-hotplug": null
  })");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->boot_source.kernel_image_path, "vmlinux.bin");
  EXPECT_EQ(config->boot_source.boot_args, "console=ttyS0 reboot=k panic=1");
  EXPECT_EQ(config->boot_source.initrd_path, std::nullopt);
  EXPECT_EQ(config->machine.vcpu_count, 2u);
  EXPECT_EQ(config->machine.mem_size_mib, 1024u);
  EXPECT_EQ(config->machine.huge_pages, HugePagesConfig::Transparent);
  EXPECT_EQ(config->logger.log_path, "x.log");
  EXPECT_EQ(config->logger.level, LogLevel::Debug);
  EXPECT_EQ(config->logger.show_level, true);
  EXPECT_EQ(config->logger.show_log_origin, false);
  EXPECT_EQ(config->logger.module, "vmm");
  EXPECT_TRUE(config->ignored_sections.empty());
}

TEST(Config, HasFirecrackersDefaults) {
  auto const config = parse_config(R"({"boot-source":{"kernel_image_path":"k"}})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->machine.vcpu_count, 1u);
  EXPECT_EQ(config->machine.mem_size_mib, 128u);
  EXPECT_EQ(config->boot_source.boot_args, std::nullopt);
}

TEST(Config, SaysWhatIsWrongInTheWordsOfSerde) {
  struct Case {
    std::string json;
    std::string message;
  };
  for (auto const& [json, message] : std::vector<Case>{
           {R"({"boot-source":{"x":1}})",
            "boot-source: unknown field `x`, expected one of `kernel_image_path`, `initrd_path`, "
            "`boot_args` at line 1 column 19"},
           {"{\n \"boot-source\": {}\n}",
            "boot-source: missing field `kernel_image_path` at line 2 column 18"},
           {"{}", "missing field `boot-source` at line 1 column 2"},
           {"[]", "invalid type: sequence, expected struct VmmConfig at line 1 column 0"},
           {R"({"boot-source":{"kernel_image_path":5}})",
            "boot-source: invalid type: integer `5`, expected a string at line 1 column 37"},
           {R"({"boot-source":null})",
            "boot-source: invalid type: null, expected struct BootSourceConfig at line 1 column "
            "19"},
           {R"({"boot-source":{"kernel_image_path":"a","kernel_image_path":"b"}})",
            "boot-source: duplicate field `kernel_image_path` at line 1 column 59"},
           {R"({"boot-source":{"kernel_image_path":"a\u0000b"}})",
            "boot-source: string with a zero byte at line 1 column 46"},
           {R"({"boot-source":{"kernel_image_path":"a"},"boot-source":{}})",
            "duplicate field `boot-source` at line 1 column 54"}}) {
    EXPECT_EQ(error_of(json), message);
  }
}

TEST(Config, LimitsTheMachine) {
  auto const machine = [](std::string_view fields) {
    return error_of(with(R"("machine-config":{)" + std::string(fields) + "}"));
  };
  auto const says = [](std::string const& message, std::string_view words) {
    return message.find(words) == std::string::npos ? message : "";
  };
  EXPECT_EQ(machine(R"("vcpu_count":32,"mem_size_mib":1)"), "no error");
  for (auto const& [fields, words] : std::vector<std::pair<std::string, std::string>>{
           {R"("vcpu_count":0,"mem_size_mib":1)", "vcpu_count 0: must be 1 to 32"},
           {R"("vcpu_count":33,"mem_size_mib":1)", "vcpu_count 33: must be 1 to 32"},
           {R"("vcpu_count":256,"mem_size_mib":1)", "invalid value: integer `256`, expected u8"},
           {R"("vcpu_count":-1,"mem_size_mib":1)", "invalid value: integer `-1`, expected u8"},
           {R"("vcpu_count":1.5,"mem_size_mib":1)",
            "invalid type: floating point `1.5`, expected u8"},
           {R"("vcpu_count":"2","mem_size_mib":1)", "invalid type: string \"2\", expected u8"},
           {R"("vcpu_count":1,"mem_size_mib":0)", "mem_size_mib 0: must be at least 1"},
           {R"("vcpu_count":1)", "missing field `mem_size_mib`"},
           {R"("mem_size_mib":1)", "missing field `vcpu_count`"},
           {R"("vcpu_count":1,"mem_size_mib":1,"smt":true)", "\"smt\": not supported yet"},
           {R"("vcpu_count":1,"mem_size_mib":1,"smt":1)",
            "invalid type: integer `1`, expected a boolean"},
           {R"("vcpu_count":1,"mem_size_mib":1,"huge_pages":"1G")",
            "unknown variant `1G`, expected one of `None`, `Transparent`, `2M`"},
           {R"("vcpu_count":1,"mem_size_mib":1,"cpu_template":"T2")",
            "\"cpu_template\": not supported yet"}}) {
    EXPECT_EQ(says(machine(fields), words), "");
  }
}

TEST(Config, RefusesSectionsThatAreNotSupportedYet) {
  EXPECT_EQ(error_of(with(R"("pmem":[])")), "no error");
  EXPECT_EQ(error_of(with(R"("pmem":[{"id":"a"}])")),
            "\"pmem\": not supported yet at line 1 column 47");
}

TEST(Config, RemembersTopLevelNamesItDoesNotKnow) {
  auto const config = parse_config(with(R"("drivez":1)"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ignored_sections, std::vector<std::string>{"drivez"});
}

TEST(Config, SaysHowMuchMemoryTheHostHas) {
  MachineConfig machine{.mem_size_mib = 4096};
  EXPECT_TRUE(check_fits(machine, 4096ull << 20));
  auto const refused = check_fits(machine, 4095ull << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "machine-config: mem_size_mib 4096: this host has only 4095 MiB of memory");
}

TEST(Config, KnowsLogLevelsInAnyCase) {
  EXPECT_EQ(parse_log_level("WARN").value(), LogLevel::Warning);
  EXPECT_EQ(parse_log_level("warning").value(), LogLevel::Warning);
  EXPECT_EQ(parse_log_level("Off").value(), LogLevel::Off);
  EXPECT_EQ(parse_log_level("loud").error().message,
            "level \"loud\": must be Off, Error, Warning, Info, Debug or Trace");
}

TEST(Config, NamesTheFileItCannotRead) {
  auto const missing = load_config("/nonexistent/vm.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "open /nonexistent/vm.json: No such file or directory");

  std::string path = testing::TempDir() + "bulkhead-config-XXXXXX";
  int const fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  std::ofstream(path) << "{";
  EXPECT_EQ(load_config(path).error().message,
            path + ": EOF while parsing an object at line 1 column 1");
  ::unlink(path.c_str());
}

TEST(CpuTemplateTest, ReadsModifiers) {
  auto const parsed = parse_cpu_template(R"({
    "kvm_capabilities": ["121", "!56"],
    "cpuid_modifiers": [{"leaf": "0x1", "subleaf": "0b11", "flags": 1, "modifiers": [
        {"register": "ecx", "bitmap": "0b1x_00"}]}],
    "msr_modifiers": [{"addr": "0x10a", "bitmap": "0bx1"}]})");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->kvm_capabilities, std::vector<unsigned>{121});
  EXPECT_EQ(parsed->cpuid,
            (std::vector<CpuidChange>{
                {.leaf = 1, .subleaf = 3, .flags = 1, .registers = {{{}, {}, {0b1011, 0b1000}}}}}));
  EXPECT_EQ(parsed->msrs, (std::vector<MsrChange>{{.index = 0x10a, .bits = {1, 1}}}));
  EXPECT_EQ(parsed->msrs[0].bits.applied_to(6), 7u);
}

TEST(CpuTemplateTest, RefusesWhatIsNone) {
  auto const leaf = [](std::string const& leaf_text, std::string const& bitmap) {
    return parse_cpu_template(R"({"cpuid_modifiers": [{"leaf": ")" + leaf_text +
                              R"(", "subleaf": "0x0", "flags": 0, "modifiers": [)" +
                              R"({"register": "eax", "bitmap": ")" + bitmap + R"("}]}]})");
  };
  EXPECT_TRUE(leaf("0x1", "0b0"));
  EXPECT_THAT(leaf("1", "0b0").error().message, testing::HasSubstr("No supported number system"));
  for (auto const* const text : {"0x", "0x1g", "0x123456789", "0b2"}) {
    EXPECT_FALSE(leaf(text, "0b0")) << text;
  }
  for (auto const* const text : {"1", "0b", "0b2", "0b_", "0b111111111111111111111111111111111"}) {
    EXPECT_THAT(leaf("0x1", text).error().message, testing::HasSubstr("as a bitmap")) << text;
  }
  for (auto const* const text :
       {R"({"kvm_capabilities": ["x"]})", R"({"kvm_capabilities": [""]})",
        R"({"reg_modifiers": []})", R"({"msr_modifiers": [{"addr": "0x1"}]})",
        R"({"cpuid_modifiers": {}})", "[]"}) {
    EXPECT_FALSE(parse_cpu_template(text)) << text;
  }
}

}  // namespace
}  // namespace bh::vmm
