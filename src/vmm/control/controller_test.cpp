#include "vmm/control/controller.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>

#include "os/temporary_folder.h"

namespace bh::vmm::control {
namespace {

class FakeMachine final : public Machine {
 public:
  Result<> pause() override { return note("pause"); }
  Result<> resume() override { return note("resume"); }
  Result<> press_ctrl_alt_delete() override { return note("ctrl-alt-del"); }
  Result<> update_drive(DriveUpdate const& update) override { return note(update.drive_id); }
  Result<> update_network_interface(NetworkInterfaceUpdate const& update) override {
    return note(update.iface_id);
  }
  Result<> set_balloon(std::uint64_t amount_mib) override {
    return note("balloon " + std::to_string(amount_mib));
  }
  Result<> set_balloon_polling(std::uint64_t seconds) override {
    return note("polling " + std::to_string(seconds));
  }
  Result<boost::json::object> balloon_statistics() override {
    return boost::json::object{{"target_mib", 5}};
  }
  Result<> start_balloon_hinting(bool acknowledge) override {
    return note(acknowledge ? "hinting with acknowledgement" : "hinting");
  }
  Result<> stop_balloon_hinting() override { return note("no hinting"); }
  Result<boost::json::object> balloon_hinting() override {
    return boost::json::object{{"host_cmd", 2}};
  }
  boost::json::object metrics() override { return {}; }

  std::vector<std::string> calls;

 private:
  Result<> note(std::string call) {
    calls.push_back(std::move(call));
    return {};
  }
};

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() {
    std::ofstream(file_) << "x";
    controller_.emplace(
        ControllerOptions{.id = "box",
                          .version = "1.2.3",
                          .start = [this](VmConfig const&) { return &machine_; },
                          .store = &store_,
                          .set_logger = [](LoggerConfig const&) { return Result<>(); },
                          .set_metrics = [](MetricsConfig const&) { return Result<>(); },
                          .flush_metrics = [] { return Result<>(); }});
  }

  http::Response send(std::string method, std::string target, std::string body = "") {
    // What names a file is one that is there.
    if (auto const at = body.find("FILE"); at != body.npos) body.replace(at, 4, file_);
    return controller_->handle(
        {.method = std::move(method), .target = std::move(target), .body = std::move(body)});
  }
  std::string fault(std::string method, std::string target, std::string body = "") {
    auto const response = send(std::move(method), std::move(target), std::move(body));
    EXPECT_EQ(response.status, 400);
    auto const value = boost::json::parse(response.body);
    return std::string(value.at("fault_message").as_string());
  }
  void start() {
    EXPECT_EQ(send("PUT", "/boot-source", R"({"kernel_image_path":"FILE"})").status, 204);
    EXPECT_EQ(send("PUT", "/actions", R"({"action_type":"InstanceStart"})").status, 204);
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("api").value());
  std::string file_ = folder_.path() + "/file";
  FakeMachine machine_;
  mmds::Store store_{200};
  std::optional<Controller> controller_;
};

/// A request that is good before or after the start, and what makes it bad.
struct Row {
  std::string method;
  std::string target;
  std::string body;
  bool before;
  bool after;
  std::string bad_body;  // Empty: takes none.
  int good_status = 204;
};

std::vector<Row> const kRows{
    {"GET", "/", "", true, true, "", 200},
    {"GET", "/version", "", true, true, "", 200},
    {"GET", "/vm/config", "", true, true, "", 200},
    {"GET", "/machine-config", "", true, true, "", 200},
    {"GET", "/balloon", "", true, true, "", 200},
    {"GET", "/mmds", "", true, true, "", 200},
    {"PATCH", "/vm", R"({"state":"Paused"})", false, true, R"({"state":"Stopped"})"},
    {"PUT", "/actions", R"({"action_type":"FlushMetrics"})", false, true, R"({"action":1})"},
    {"PUT", "/actions", R"({"action_type":"SendCtrlAltDel"})", false, true, "[]"},
    {"PUT", "/boot-source", R"({"kernel_image_path":"FILE"})", true, false, R"({"kernel":1})"},
    {"PUT", "/machine-config", R"({"vcpu_count":1,"mem_size_mib":64})", true, false,
     R"({"vcpu_count":0,"mem_size_mib":64})"},
    {"PATCH", "/machine-config", R"({"vcpu_count":2})", true, false, R"({"smt":true})"},
    {"PUT", "/drives/a", R"({"drive_id":"a","path_on_host":"FILE","is_root_device":false})", true,
     false, R"({"drive_id":"a"})"},
    {"PATCH", "/drives/a", R"({"drive_id":"a","path_on_host":"FILE"})", false, true,
     R"({"drive":1})"},
    {"PUT", "/network-interfaces/n", R"({"iface_id":"n","host_dev_name":"t"})", true, false,
     R"({"iface_id":"n","host_dev_name":"t","guest_mac":"x"})"},
    {"PATCH", "/network-interfaces/n", R"({"iface_id":"n"})", false, true, R"({"id":"n"})"},
    {"PUT", "/vsock", R"({"guest_cid":3,"uds_path":"v"})", true, false, R"({"guest_cid":-1})"},
    {"PUT", "/entropy", "{}", true, false, R"({"rate":1})"},
    {"PUT", "/balloon", R"({"amount_mib":1,"deflate_on_oom":false})", true, false,
     R"({"amount_mib":1})"},
    {"PATCH", "/balloon", R"({"amount_mib":7})", false, true, R"({"amount_mib":"7"})"},
    {"GET", "/balloon/statistics", "", false, true, "", 200},
    {"PATCH", "/balloon/statistics", R"({"stats_polling_interval_s":2})", false, true, "{}"},
    {"PUT", "/serial", R"({"serial_out_path":"s"})", true, false, R"({"path":"s"})"},
    {"PUT", "/logger", R"({"level":"Info"})", true, false, R"({"level":"Loud"})"},
    {"PUT", "/metrics", R"({"metrics_path":"m"})", true, false, "{}"},
    {"PUT", "/mmds", R"({"a":1})", true, true, "[1]"},
    {"PATCH", "/mmds", R"({"a":2})", true, true, "["},
    {"PUT", "/mmds/config", R"({"network_interfaces":["n"]})", true, false,
     R"({"network_interfaces":["none"]})"},
    {"PUT", "/shares/s", R"({"tag":"s","path_on_host":"/"})", true, false, R"({"tag":"s"})"},
};

TEST_F(ControllerTest, AnswersEveryRouteBeforeAndAfterTheStart) {
  // What PATCH and GET need to be there.
  for (auto const& row : kRows) {
    if (row.before) {
      auto const early = send(row.method, row.target, row.body);
      if (row.target == "/balloon" && row.method == "GET") continue;
      EXPECT_EQ(early.status, row.good_status) << row.method << row.target << early.body;
    } else {
      EXPECT_EQ(fault(row.method, row.target, row.body),
                "The requested operation is not supported before starting the microVM.")
          << row.target;
    }
  }
  start();
  for (auto const& row : kRows) {
    if (row.after) {
      auto const late = send(row.method, row.target, row.body);
      EXPECT_EQ(late.status, row.good_status) << row.method << row.target << late.body;
    } else {
      EXPECT_EQ(fault(row.method, row.target, row.body),
                "The requested operation is not supported after starting the microVM.")
          << row.target;
    }
  }
}

TEST_F(ControllerTest, RefusesBadBodiesOfEveryRoute) {
  for (auto const& row : kRows) {
    if (row.bad_body.empty()) {
      EXPECT_EQ(fault(row.method, row.target, "{}"), "GET request cannot have a body.");
      continue;
    }
    EXPECT_NE(fault(row.method, row.target, row.bad_body), "");
    EXPECT_EQ(fault(row.method, row.target, ""), "Empty " + row.method + " request.");
    EXPECT_EQ(fault(row.method, row.target, "{"),
              "An error occurred when deserializing the json body of a request: EOF while parsing "
              "an object at line 1 column 1.");
  }
}

TEST_F(ControllerTest, SaysNoToWhatIsNotSupportedYet) {
  EXPECT_EQ(fault("PUT", "/pmem/a", "{}"), "pmem: not supported");
  EXPECT_EQ(fault("PUT", "/snapshot/load", "{}"), "snapshot: not supported");
  EXPECT_EQ(fault("PUT", "/hotplug/memory", "{}"), "memory hotplug: not supported");
  start();
  EXPECT_EQ(fault("DELETE", "/drives/a"), "removing a device: not supported");
  EXPECT_EQ(fault("GET", "/hotplug/memory"), "memory hotplug: not supported");
  EXPECT_EQ(fault("PUT", "/snapshot/create", "{}"), "snapshot: not supported");
}

TEST_F(ControllerTest, SpeaksTheWordsThatClientsMatch) {
  EXPECT_EQ(fault("GET", "/foo"), "Invalid request method and/or path: GET foo.");
  EXPECT_EQ(fault("POST", "/"), "Invalid request method and/or path: POST .");
  EXPECT_EQ(fault("PUT", "/drives/", "{}"), "The ID cannot be empty.");
  EXPECT_EQ(fault("PUT", "/drives/a-b", "{}"),
            "API Resource IDs can only contain alphanumeric characters and underscores.");
  EXPECT_EQ(
      fault("PUT", "/drives/b", R"({"drive_id":"a","path_on_host":"FILE","is_root_device":false})"),
      "The id from the path does not match the id from the body!");
  EXPECT_EQ(fault("PATCH", "/machine-config", "{}"), "Empty PATCH request.");
  EXPECT_EQ(fault("PUT", "/machine-config", R"({"x":1})"),
            "An error occurred when deserializing the json body of a request: unknown field `x`, "
            "expected one of `vcpu_count`, `mem_size_mib`, `smt`, `cpu_template`, "
            "`track_dirty_pages`, `huge_pages` at line 1 column 4.");
  EXPECT_EQ(fault("GET", "/balloon"), "No balloon device found.");
}

TEST_F(ControllerTest, TellsOfTheStateAndPassesRequestsOn) {
  EXPECT_NE(send("GET", "/").body.find(R"("state":"Not started")"), std::string::npos);
  start();
  send("PATCH", "/vm", R"({"state":"Paused"})");
  EXPECT_NE(send("GET", "/").body.find(R"("state":"Paused")"), std::string::npos);
  send("PATCH", "/vm", R"({"state":"Resumed"})");
  send("PUT", "/actions", R"({"action_type":"SendCtrlAltDel"})");
  EXPECT_EQ(machine_.calls, (std::vector<std::string>{"pause", "resume", "ctrl-alt-del"}));
}

TEST_F(ControllerTest, AnswersAFullMetadataStoreWith413) {
  EXPECT_EQ(send("PUT", "/mmds", "{\"a\":\"" + std::string(300, 'x') + "\"}").status, 413);
}

TEST_F(ControllerTest, AddsCodesWhenAskedTo) {
  controller_->options().error_codes = ErrorCodes::On;
  EXPECT_NE(send("GET", "/foo").body.find(R"("code":"not_found")"), std::string::npos);
}

TEST_F(ControllerTest, ShowsTheConfigurationItWasGiven) {
  send("PUT", "/drives/a", R"({"drive_id":"a","path_on_host":"FILE","is_root_device":true})");
  send("PUT", "/machine-config", R"({"vcpu_count":3,"mem_size_mib":64})");
  auto const config = boost::json::parse(send("GET", "/vm/config").body);
  EXPECT_EQ(config.at("drives").at(0).at("drive_id").as_string(), "a");
  EXPECT_EQ(config.at("machine-config").at("vcpu_count").as_int64(), 3);
  EXPECT_TRUE(config.at("vsock").is_null());
}

}  // namespace
}  // namespace bh::vmm::control
