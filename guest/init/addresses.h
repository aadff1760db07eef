#pragma once

#include <netinet/in.h>

#include <string_view>

namespace bh::init {

/// Reads "10.0.2.15/24" into an address and its mask; false if it is none.
bool parse_interface_address(std::string_view text, in_addr& address, in_addr& mask);

/// Reads "10.0.2.2".
bool parse_address(std::string_view text, in_addr& address);

}  // namespace bh::init
