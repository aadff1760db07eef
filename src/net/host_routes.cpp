#include "net/host_routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/names.h"

namespace bh::net {

Result<std::vector<HostRoute>> host_routes(Links& links) {
  auto const devices = BH_TRY(links.all());
  auto const routes = BH_TRY(links.routes());
  std::vector<HostRoute> found;
  for (auto const& route : routes) {
    auto const device = std::ranges::find(devices, route.device, &Link::index);
    auto const name = device == devices.end() ? std::string("a device") : device->name;
    if (is_our_bridge(name) || route.to.length == 0) continue;
    found.push_back({.to = route.to, .device = name});
  }
  return found;
}

Result<> check_routes(Network const& network, std::vector<HostRoute> const& routes) {
  for (auto const& route : routes) {
    if (!network.subnet.overlaps(route.to)) continue;
    return fail(Errc::Exists,
                fmt::format("network {}: {} overlaps the host's route to {} by {}; "
                            "choose another subnet",
                            network.name, network.subnet.text(), route.to.text(), route.device));
  }
  return {};
}

}  // namespace bh::net
