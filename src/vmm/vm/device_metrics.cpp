// The counters of all devices as JSON.
#include <boost/json/object.hpp>
#include <string>

#include "vmm/vm/devices.h"

namespace bh::vmm {

namespace {

namespace json = boost::json;

/// Adds to a number of `object`.
void add(json::object& object, std::string_view name, virtio::Counter const& counter) {
  auto& value = object[name];
  value = (value.is_uint64() ? *value.if_uint64() : 0) + counter.value();
}

void add(json::object& out, virtio::BlockMetrics const& metrics) {
  add(out, "read_count", metrics.read_count);
  add(out, "write_count", metrics.write_count);
  add(out, "read_bytes", metrics.read_bytes);
  add(out, "write_bytes", metrics.write_bytes);
  add(out, "flush_count", metrics.flush_count);
  add(out, "discard_count", metrics.discard_count);
  add(out, "execute_fails", metrics.execute_fails);
  add(out, "invalid_reqs_count", metrics.invalid_reqs);
  add(out, "queue_event_count", metrics.queue_event_count);
  add(out, "rate_limiter_event_count", metrics.rate_limiter_event_count);
  add(out, "rate_limiter_throttled_events", metrics.rate_limiter_throttled_events);
  add(out, "update_count", metrics.update_count);
}

void add(json::object& out, virtio::RngMetrics const& metrics) {
  add(out, "entropy_event_count", metrics.entropy_event_count);
  add(out, "entropy_bytes", metrics.entropy_bytes);
  add(out, "entropy_rate_limiter_throttled", metrics.entropy_rate_limiter_throttled);
  add(out, "rate_limiter_event_count", metrics.rate_limiter_event_count);
}

void add(json::object& out, virtio::VsockMetrics const& metrics) {
  add(out, "rx_packets_count", metrics.rx_packets_count);
  add(out, "tx_packets_count", metrics.tx_packets_count);
  add(out, "rx_bytes_count", metrics.rx_bytes_count);
  add(out, "tx_bytes_count", metrics.tx_bytes_count);
  add(out, "conns_added", metrics.conns_added);
  add(out, "conns_removed", metrics.conns_removed);
  add(out, "conns_killed", metrics.conns_killed);
  add(out, "tx_invalid_count", metrics.tx_invalid);
}

void add(json::object& out, virtio::NetMetrics const& metrics) {
  add(out, "rx_packets_count", metrics.rx_packets_count);
  add(out, "rx_bytes_count", metrics.rx_bytes_count);
  add(out, "tx_packets_count", metrics.tx_packets_count);
  add(out, "tx_bytes_count", metrics.tx_bytes_count);
  add(out, "rx_rate_limiter_throttled", metrics.rx_rate_limiter_throttled);
  add(out, "tx_rate_limiter_throttled", metrics.tx_rate_limiter_throttled);
  add(out, "tx_malformed_frames", metrics.tx_malformed_frames);
  add(out, "tx_fails", metrics.tx_fails);
  add(out, "no_rx_avail_buffer", metrics.no_rx_avail_buffer);
}

void add(json::object& out, virtio::FsMetrics const& metrics) {
  add(out, "requests_count", metrics.requests);
  add(out, "errors_count", metrics.errors);
  add(out, "invalid_reqs_count", metrics.invalid_reqs);
  add(out, "read_bytes", metrics.read_bytes);
  add(out, "write_bytes", metrics.write_bytes);
}

void add(json::object& out, virtio::BalloonMetrics const& metrics) {
  add(out, "inflate_count", metrics.inflate_count);
  add(out, "deflate_count", metrics.deflate_count);
  add(out, "stats_updates_count", metrics.stats_updates_count);
  add(out, "free_page_report_count", metrics.free_page_report_count);
  add(out, "free_page_report_freed", metrics.free_page_report_freed);
  add(out, "free_page_hint_count", metrics.free_page_hint_count);
  add(out, "free_page_hint_freed", metrics.free_page_hint_freed);
  add(out, "event_fails", metrics.event_fails);
}

template <typename Device>
void add_one(json::object& out, std::string_view name, Device const* device) {
  if (device == nullptr) return;
  json::object one;
  add(one, device->metrics());
  out[name] = std::move(one);
}

/// One object for each device, and one of them all.
template <typename Devices>
void add_each(json::object& out, std::string const& name, Devices const& devices) {
  json::object all;
  for (auto const& [id, device] : devices) {
    json::object one;
    add(one, device->metrics());
    out[name + "_" + id] = std::move(one);
    add(all, device->metrics());
  }
  out[name] = std::move(all);
}

}  // namespace

json::object Devices::metrics() const {
  json::object out;
  add_each(out, "block", drives_);
  add_each(out, "net", interfaces_);
  if (!shares_.empty()) add_each(out, "share", shares_);
  add_one(out, "entropy", entropy_);
  add_one(out, "vsock", vsock_);
  add_one(out, "balloon", balloon_);
  return out;
}

}  // namespace bh::vmm
