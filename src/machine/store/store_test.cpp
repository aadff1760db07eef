#include "machine/store/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "machine/store/schema.h"
#include "os/folder.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::machine {
namespace {

class MachineStore : public testing::Test {
 protected:
  Record add(std::string const& name) {
    auto record = store_.add(Definition{.isolation = Isolation::Container}, name);
    EXPECT_TRUE(record) << record.error().message;
    return *record;
  }

  os::TemporaryFolder folder_ = *os::TemporaryFolder::create("store");
  Store store_ = *Store::open(folder_.path());
};

TEST_F(MachineStore, KeepsMachinesFromOneProcessToTheNext) {
  auto const made = add("web");
  auto again = *Store::open(folder_.path());
  auto const found = again.find("web");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->id, made.id);
  EXPECT_EQ(found->state, State::Created);
  EXPECT_EQ(found->definition.isolation, Isolation::Container);
  EXPECT_EQ(found->created, made.created);
}

TEST_F(MachineStore, MakesVolumesOnFirstUseAndKeepsThoseInUse) {
  Definition definition{.isolation = Isolation::Container,
                        .mounts = {{.source = "data", .target = "/x"}, {.target = "/y"}}};
  auto const record = *store_.add(definition, "web");
  auto const volumes = *store_.volumes();
  ASSERT_EQ(volumes.size(), 2u);
  EXPECT_EQ(volumes[0].name, "data");
  EXPECT_TRUE(volumes[1].anonymous);
  EXPECT_EQ(record.definition.mounts[1].source, volumes[1].name);
  EXPECT_EQ(store_.find(record.id)->definition.mounts, record.definition.mounts);
  EXPECT_NE(store_.remove_volume("data").error().message.find("bulkhead rm web"),
            std::string::npos);
  ASSERT_TRUE(store_.remove(record.id));
  ASSERT_TRUE(store_.remove_anonymous_volumes(record.definition));
  EXPECT_EQ(store_.volumes()->size(), 1u);
  EXPECT_TRUE(store_.remove_volume("data"));
  EXPECT_EQ(store_.remove_volume("data").error().code, Errc::NotFound);
}

TEST_F(MachineStore, RemovesWhatIsInAVolume) {
  ASSERT_TRUE(store_.add_volume({.name = "data", .labels = {{"a", "b"}}}));
  ASSERT_TRUE(os::make_folders(store_.folder_of_volume("data") + "/data/inside"));
  ASSERT_TRUE(store_.remove_volume("data"));
  EXPECT_TRUE(os::names_in(AT_FDCWD, folder_.path() + "/volumes")->empty());
  EXPECT_EQ(store_.add_volume({.name = "../x"}).error().code, Errc::Invalid);
}

TEST_F(MachineStore, KeepsSecretsThatAMachineHas) {
  using Replace = Store::Replace;
  auto const made = store_.add_secret({.name = "token"}, "one", Replace::No);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(store_.add_secret({.name = "token"}, "two", Replace::No).error().code, Errc::Exists);
  EXPECT_EQ(store_.add_secret({.name = "../x"}, "x", Replace::No).error().code, Errc::Invalid);
  Definition const definition{.isolation = Isolation::Container,
                              .secrets = {{.name = "token", .target = "/run/secrets/token"}}};
  auto const record = *store_.add(definition, "web");
  EXPECT_EQ(store_.find("web")->definition.secrets, definition.secrets);
  EXPECT_EQ(store_.secrets_of(definition)->at(0).value, "one");
  ASSERT_TRUE(store_.add_secret({.name = "token"}, "two", Replace::Yes));
  EXPECT_EQ(store_.secrets_of(definition)->at(0).value, "two");
  EXPECT_EQ(store_.remove_secret("token").error().code, Errc::Busy);
  ASSERT_TRUE(store_.remove(record.id));
  EXPECT_TRUE(store_.remove_secret("token"));
  EXPECT_EQ(store_.add(definition, "other").error().code, Errc::NotFound);
  EXPECT_TRUE(os::names_in(AT_FDCWD, folder_.path() + "/secrets")->empty());
}

TEST_F(MachineStore, SweepsValuesWithoutARow) {
  ASSERT_TRUE(store_.add_secret({.name = "token"}, "one", Store::Replace::No));
  ASSERT_TRUE(os::replace_text_at(AT_FDCWD, folder_.path() + "/secrets/0123", "lost"));
  ASSERT_TRUE(store_.sweep_secrets());
  EXPECT_EQ(os::names_in(AT_FDCWD, folder_.path() + "/secrets")->size(), 1u);
}

TEST_F(MachineStore, FindsByNameAndByTheStartOfAnId) {
  auto const made = add("web");
  EXPECT_EQ(store_.find(made.id)->name, "web");
  EXPECT_EQ(store_.find(made.id.substr(0, 4))->name, "web");
  EXPECT_EQ(store_.find("wob").error().code, Errc::NotFound);
  EXPECT_EQ(store_.find("").error().code, Errc::NotFound);
}

TEST_F(MachineStore, GivesANameOnce) {
  auto const made = add("web");
  auto const other = store_.add({}, "web");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::Exists);
  EXPECT_NE(other.error().message.find("bulkhead rm web"), std::string::npos);
  auto const named = add("");
  EXPECT_FALSE(named.name.empty());
  EXPECT_EQ(store_.rename(named.id, "web").error().code, Errc::Exists);
  EXPECT_TRUE(store_.rename(named.id, "web2"));
  EXPECT_EQ(store_.find("web2")->id, named.id);
}

TEST_F(MachineStore, FollowsAMachinesLife) {
  auto const id = add("web").id;
  os::ProcessIdentity const supervisor{.pid = 12, .start_time = 34};
  ASSERT_TRUE(store_.set_supervisor(id, supervisor));
  ASSERT_TRUE(store_.set_running(id, 0));
  EXPECT_EQ(store_.find(id)->state, State::Running);
  EXPECT_EQ(store_.find(id)->supervisor, supervisor);
  ASSERT_TRUE(store_.set_paused(id, true));
  EXPECT_EQ(store_.find(id)->state, State::Paused);
  ASSERT_TRUE(store_.set_ended(
      id, {.exit_status = 137, .reason = Reason::OutOfMemory, .detail = "limit 8 MiB"}));
  ASSERT_TRUE(store_.release(id));
  auto const ended = *store_.find(id);
  EXPECT_EQ(ended.state, State::Exited);
  EXPECT_EQ(ended.exit_status, 137);
  EXPECT_EQ(ended.reason, Reason::OutOfMemory);
  EXPECT_EQ(ended.detail, "limit 8 MiB");
  EXPECT_FALSE(ended.supervisor);
}

TEST_F(MachineStore, TellsWhatHappened) {
  auto const id = add("web").id;
  ASSERT_TRUE(store_.set_running(id, 0));
  ASSERT_TRUE(store_.remove(id));
  auto const events = *store_.events_after(0);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].action, "create");
  EXPECT_EQ(events[1].action, "start");
  EXPECT_EQ(events[2].action, "remove");
  EXPECT_EQ(events[2].name, "web");
  EXPECT_EQ(store_.events_after(events[1].number)->size(), 1U);
  EXPECT_TRUE(store_.all()->empty());
}

TEST_F(MachineStore, HasNoSupervisorOfAMachineThatIsGone) {
  EXPECT_EQ(store_.set_supervisor("0123", {.pid = 1, .start_time = 1}).error().code,
            Errc::NotFound);
}

TEST(MachineSchema, IsBroughtUpFromEachVersion) {
  auto const folder = *os::TemporaryFolder::create("schema");
  auto database = *Database::open(folder.path() + "/state.db");
  // Version 1, as its migration made it: without events.
  ASSERT_TRUE(database.execute(
      "CREATE TABLE machines (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
      " definition TEXT NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL,"
      " started INTEGER, ended INTEGER, exit_status INTEGER, reason TEXT NOT NULL DEFAULT '',"
      " detail TEXT NOT NULL DEFAULT '', restarts INTEGER NOT NULL DEFAULT 0,"
      " supervisor INTEGER, supervisor_start INTEGER);"
      "INSERT INTO machines (id, name, definition, state, created)"
      " VALUES ('0123456789ab', 'old', '{\"isolation\": \"container\", \"restart\": \"no\"}',"
      " 'created', 5);"
      "PRAGMA user_version = 1;"));
  auto store = Store::open(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->find("old")->created, 5);
  EXPECT_TRUE(store->events_after(0)->empty());
}

TEST(MachineSchema, OfANewerProgramIsLeftAlone) {
  auto const folder = *os::TemporaryFolder::create("schema");
  auto database = *Database::open(folder.path() + "/state.db");
  ASSERT_TRUE(database.execute("PRAGMA user_version = 1000"));
  EXPECT_EQ(migrate(database).error().code, Errc::Unsupported);
}

TEST(MachineSchema, RefusesAFileThatIsNoDatabase) {
  auto const folder = *os::TemporaryFolder::create("schema");
  {
    auto const file = std::fopen((folder.path() + "/state.db").c_str(), "w");
    std::fputs("no database, but long enough to look like one", file);
    std::fclose(file);
  }
  EXPECT_EQ(Store::open(folder.path()).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::machine
