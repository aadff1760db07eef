#include <gtest/gtest.h>

#include <array>

#include "machine/store/store.h"
#include "os/temporary_folder.h"

namespace bh::machine {
namespace {

class NetworkStore : public testing::Test {
 protected:
  Result<NetworkRecord> network(std::string const& name, std::string_view subnet = {}) {
    net::Network network;
    network.name = name;
    if (!subnet.empty()) network.subnet = *net::Subnet::parse(subnet);
    return store_.add_network(network, {});
  }

  Result<Record> machine(std::string const& name, std::vector<NetworkWish> networks) {
    Definition definition{.isolation = Isolation::Container};
    definition.networks = std::move(networks);
    return store_.add(definition, name);
  }

  std::string address_of(Record const& record) {
    auto const cards = store_.cards_of(record.id);
    return cards && !cards->empty() ? cards->front().address.text() : "none";
  }

  os::TemporaryFolder folder_ = *os::TemporaryFolder::create("store");
  Store store_ = *Store::open(folder_.path());
  os::ProcessIdentity const supervisor_{.pid = 12, .start_time = 34};
};

TEST_F(NetworkStore, KeepsNetworksFromOneProcessToTheNext) {
  net::Network wanted;
  wanted.name = "front";
  wanted.subnet = *net::Subnet::parse("10.88.1.0/24");
  wanted.names = true;
  wanted.rules = {*net::EgressRule::parse(net::Verdict::Deny, "10.0.0.0/8:25")};
  ASSERT_TRUE(store_.add_network(wanted, {}));
  auto again = *Store::open(folder_.path());
  auto const found = again.find_network("front");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->network, wanted);
  EXPECT_EQ(again.networks()->size(), 1U);
  EXPECT_EQ(again.find_network("back").error().code, Errc::NotFound);
}

TEST_F(NetworkStore, ChoosesSubnetsThatNobodyHas) {
  EXPECT_EQ(network("one")->network.subnet.text(), "10.208.0.0/24");
  EXPECT_EQ(network("two")->network.subnet.text(), "10.208.1.0/24");
  std::array const routes{*net::Subnet::parse("10.208.0.0/22")};
  net::Network third;
  third.name = "three";
  EXPECT_EQ(store_.add_network(third, routes)->network.subnet.text(), "10.208.4.0/24");
  EXPECT_EQ(network("one").error().code, Errc::Exists);
  EXPECT_EQ(network("four", "10.208.0.0/16").error().code, Errc::Exists);
}

TEST_F(NetworkStore, GivesAddressesThatStayAsLongAsTheMachine) {
  ASSERT_TRUE(network("front", "10.88.1.0/24"));
  auto const first = machine("first", {{.name = "front", .address = std::nullopt}});
  auto const second = machine("second", {{.name = "front", .address = std::nullopt}});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(address_of(*first), "10.88.1.2");
  EXPECT_EQ(address_of(*second), "10.88.1.3");
  ASSERT_TRUE(store_.remove(first->id));
  EXPECT_EQ(address_of(*second), "10.88.1.3");
  auto const third = machine("third", {{.name = "front", .address = std::nullopt}});
  EXPECT_EQ(address_of(*third), "10.88.1.2");
}

TEST_F(NetworkStore, RefusesMachinesThatCannotJoin) {
  ASSERT_TRUE(network("front", "10.88.1.0/24"));
  auto const wanted = net::Ipv4Address::parse("10.88.1.9");
  ASSERT_TRUE(machine("web", {{.name = "front", .address = *wanted}}));
  auto const taken = machine("other", {{.name = "front", .address = *wanted}});
  EXPECT_EQ(taken.error().code, Errc::Exists);
  EXPECT_NE(taken.error().message.find("machine web's"), std::string::npos);
  EXPECT_EQ(machine("other", {{.name = "back", .address = {}}}).error().code, Errc::NotFound);
  // Nothing is left of them.
  EXPECT_EQ(store_.all()->size(), 1U);
  auto const used = store_.remove_network("front");
  EXPECT_EQ(used.error().code, Errc::Busy);
  EXPECT_NE(used.error().message.find("bulkhead rm web"), std::string::npos);
}

TEST_F(NetworkStore, RemembersCardsOfMachinesThatWentWhilePluggedIn) {
  ASSERT_TRUE(network("front", "10.88.1.0/24"));
  auto const record = machine("web", {{.name = "front", .address = std::nullopt}});
  ASSERT_TRUE(store_.plug_in(record->id, supervisor_, 7, "/proc/12/fd/5"));
  ASSERT_TRUE(store_.remove(record->id));
  auto const cards = store_.cards();
  ASSERT_EQ(cards->size(), 1U);
  EXPECT_EQ(cards->front().host, 7U);
  EXPECT_EQ(cards->front().name_space, "/proc/12/fd/5");
  ASSERT_TRUE(store_.unplug(record->id));
  EXPECT_TRUE(store_.cards()->empty());
  EXPECT_TRUE(store_.remove_network("front"));
}

}  // namespace
}  // namespace bh::machine
