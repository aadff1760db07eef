#pragma once

#include "vmm/api/device_config.h"
#include "vmm/http/request.h"
#include "vmm/mmds/store.h"
#include "vmm/mmds/tokens.h"

namespace bh::vmm::mmds {

/// Answers a guest's requests for metadata, as Firecracker does. One thread; the store outlives it.
class Service {
 public:
  Service(MmdsConfig const& config, Store const& store) : config_(config), store_(store) {}

  http::Response handle(http::Request const& request, Tokens::Time now);

 private:
  http::Response create_token(http::Request const& request, Tokens::Time now);
  http::Response get(http::Request const& request, Tokens::Time now);

  MmdsConfig const config_;
  Store const& store_;
  Tokens tokens_;
};

}  // namespace bh::vmm::mmds
