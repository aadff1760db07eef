#pragma once

#include <gtest/gtest.h>

#include "net/state_json.h"

namespace bh::net::testing {

/// Two networks: `web` is in both and publishes, `app` is in front, `db` in back, which has no way
/// out.
inline State two_networks() {
  auto state = parse_state(R"({
    "networks": [
      {"name": "front", "subnet": "10.88.1.0/24", "names": true, "rules": [
        {"verdict": "deny", "to": "10.0.0.0/8"},
        {"verdict": "allow", "to": "0.0.0.0/0", "protocol": "tcp", "port": 443}]},
      {"name": "back", "subnet": "10.88.2.0/24", "egress": "deny"}],
    "attachments": [
      {"machine": "web", "network": "front", "address": "10.88.1.2", "mac": "02:00:00:00:00:02",
       "rate_in": 1000000, "rate_out": 500000, "ports": ["8080:80", "0.0.0.0:53:5353/udp", "192.0.2.1:8081:81"]},
      {"machine": "app", "network": "front", "address": "10.88.1.3", "mac": "02:00:00:00:00:03"},
      {"machine": "web", "network": "back", "address": "10.88.2.2", "mac": "02:00:00:00:00:04",
       "namespace": "/run/netns/web", "device": "eth1"},
      {"machine": "db", "network": "back", "address": "10.88.2.3", "mac": "02:00:00:00:00:05"}]})");
  EXPECT_TRUE(state) << state.error().message;
  return state.value_or(State());
}

/// A network that lets out what has a name: `app` is in it.
inline State named_network() {
  auto state = parse_state(R"({
    "networks": [
      {"name": "named", "subnet": "10.88.3.0/24", "names": true, "egress": "deny", "rules": [
        {"verdict": "deny", "to": "198.51.100.0/24"},
        {"verdict": "allow", "to": "example.com", "protocol": "tcp", "port": 443},
        {"verdict": "allow", "to": "*.debian.org"},
        {"verdict": "allow", "to": "deb.debian.org", "protocol": "tcp", "port": 80}]}],
    "attachments": [
      {"machine": "app", "network": "named", "address": "10.88.3.2", "mac": "02:00:00:00:00:02"}]})");
  EXPECT_TRUE(state) << state.error().message;
  return state.value_or(State());
}

}  // namespace bh::net::testing
