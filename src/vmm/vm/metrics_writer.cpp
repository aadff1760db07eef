#include "vmm/vm/metrics_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

namespace bh::vmm {

namespace {

constexpr std::chrono::seconds kPeriod{60};
constexpr mode_t kMode = 0640;

}  // namespace

Result<std::unique_ptr<MetricsWriter>> MetricsWriter::open(Worker& worker, std::string const& path,
                                                           Collect collect) {
  // For reading, too: a FIFO then opens at once and takes what nobody reads yet, as Firecracker's.
  os::UniqueFd file(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kMode));
  if (!file.valid()) return fail_errno("open metrics " + path, errno);
  auto timer = BH_TRY(Timer::create());
  std::unique_ptr<MetricsWriter> writer(
      new MetricsWriter(worker, std::move(file), std::move(timer), std::move(collect)));
  Result<> watched;
  worker.run_and_wait([&, self = writer.get()] {
    watched = worker.loop().watch(self->timer_.fd().get(), [self] {
      self->timer_.clear();
      // The next minute may work again; nobody is there to be told.
      [[maybe_unused]] auto const flushed = self->flush();
    });
  });
  if (!watched) return std::unexpected(std::move(watched).error());
  writer->timer_.set_period(kPeriod);
  return writer;
}

MetricsWriter::MetricsWriter(Worker& worker, os::UniqueFd file, Timer timer, Collect collect)
    : worker_(worker),
      file_(std::move(file)),
      timer_(std::move(timer)),
      collect_(std::move(collect)) {}

MetricsWriter::~MetricsWriter() {
  worker_.run_and_wait([this] {
    worker_.loop().forget(timer_.fd().get());
    [[maybe_unused]] auto const flushed = flush();
  });
}

Result<> MetricsWriter::flush() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  boost::json::object metrics{
      {"utc_timestamp_ms", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()}};
  for (auto const& [name, value] : collect_()) metrics[name] = value;
  auto const line = boost::json::serialize(metrics) + "\n";
  if (::write(file_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return fail_errno("write metrics", errno);
  }
  return {};
}

}  // namespace bh::vmm
