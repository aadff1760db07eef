#include "machine/definition_json.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace bh::machine {
namespace {

TEST(DefinitionJson, KeepsAllOfADefinition) {
  Definition definition;
  definition.isolation = Isolation::Microvm;
  definition.image = "debian:12";
  definition.image_digest = "sha256:12";
  definition.command = {"sh", "-c", "exit 7"};
  definition.entrypoint = "";
  definition.environment = {"A=b c"};
  definition.working_folder = "/srv";
  definition.user = "daemon";
  definition.host_name = "web";
  definition.memory_mib = 512;
  definition.cpus = 2;
  definition.network = NetworkKind::User;
  definition.networks = {{.name = "front", .address = net::Ipv4Address{0x0a580105}},
                         {.name = "back", .address = std::nullopt}};
  definition.rate_in = 1'000'000;
  definition.rate_out = 20'000;
  definition.ports = {net::PublishedPort::parse("0.0.0.0:53:5353/udp").value()};
  definition.labels = {{"tier", "front"}};
  definition.restart = *RestartPolicy::parse("on-failure:3");
  definition.remove_at_end = true;
  definition.terminal = true;
  definition.keep_input = true;
  definition.stop_signal = "SIGINT";
  definition.disk_mib = 100;
  definition.mounts = {{.source = "data", .target = "/x", .read_only = true}};
  definition.read_only = true;
  definition.log_bytes = 4096;
  definition.liveness = Probe{.kind = ProbeKind::Http, .port = 80, .path = "/"};
  definition.microvm.kernel = "/k";
  definition.microvm.engine = "soft";
  auto const text = boost::json::serialize(json_of(definition));
  auto const read = parse_definition(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(boost::json::serialize(json_of(*read)), text);
  EXPECT_EQ(read->entrypoint, "");
  EXPECT_EQ(read->restart, definition.restart);
  EXPECT_EQ(read->microvm.engine, "soft");
  EXPECT_EQ(read->network, NetworkKind::User);
  EXPECT_EQ(read->networks, definition.networks);
  EXPECT_EQ(read->rate_in, definition.rate_in);
  EXPECT_EQ(read->rate_out, definition.rate_out);
  EXPECT_EQ(read->ports, definition.ports);
  EXPECT_EQ(read->mounts, definition.mounts);
  EXPECT_TRUE(read->read_only);
  EXPECT_EQ(read->liveness, definition.liveness);
  EXPECT_FALSE(read->readiness);
}

TEST(DefinitionJson, LeavesOutWhatWasNotSaid) {
  auto const json = json_of(Definition{.isolation = Isolation::Container});
  EXPECT_FALSE(json.contains("memory_mib"));
  EXPECT_FALSE(json.contains("microvm"));
  auto const read = parse_definition(boost::json::serialize(json));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->memory_mib);
  EXPECT_FALSE(read->entrypoint);
}

TEST(DefinitionJson, RefusesWhatIsNone) {
  EXPECT_FALSE(parse_definition("[]"));
  EXPECT_FALSE(parse_definition(R"({"isolation": "chroot", "restart": "no"})"));
  EXPECT_FALSE(parse_definition(R"({"isolation": "container", "restart": "no", "cpus": "two"})"));
}

}  // namespace
}  // namespace bh::machine
