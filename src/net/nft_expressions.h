#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/published_port.h"

namespace bh::net::nft {

/// Parts of rules as libnftables-json(5) writes them.

using boost::json::array;
using boost::json::object;
using boost::json::value;

object match(object left, value right, std::string_view operation = "==");
object meta(std::string_view key);
object field(std::string_view protocol, std::string_view name);

object in_device(std::string_view name);
object out_device(std::string_view name);
/// All devices whose names begin so, or all others.
object in_devices(std::string_view prefix, std::string_view operation = "==");
object out_devices(std::string_view prefix, std::string_view operation = "==");
object source(Subnet const& subnet);
object destination(Subnet const& subnet);
/// What is in a set of the table, or in none of some ranges.
object destination_in(std::string_view set);
object destination_outside(std::span<Subnet const> ranges);
object port(Protocol protocol, std::uint16_t number);
object of_protocol(Protocol protocol);
object echo_request();
object connection_state(std::initializer_list<std::string_view> states);
object connection_translated();
object destination_is_host();
/// More than so many bytes a second.
object faster_than(std::uint64_t bytes);
object counter();
/// "accept", "drop", "masquerade"
object verdict(std::string_view name);
object reject();
object go_to(std::string_view chain);
object translate_to(Ipv4Address address, std::uint16_t port);

}  // namespace bh::net::nft
