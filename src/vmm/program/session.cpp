#include "vmm/program/session.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "vmm/control/controller.h"
#include "vmm/control/server.h"
#include "vmm/loop/device_loop.h"
#include "vmm/program/start_mailbox.h"
#include "vmm/vm/metrics_writer.h"

namespace bh::vmm {

namespace {

/// What answers the API, on a worker of its own.
class Api {
 public:
  Api(SessionWorld& world, StartMailbox& mailbox) : world_(world), mailbox_(mailbox) {}

  Result<> open(VmConfig config) {
    worker_ = BH_TRY(Worker::start("api"));
    control::ControllerOptions options{
        .id = world_.arguments.id,
        .version = BULKHEAD_VERSION,
        .config = std::move(config),
        .start = [this](VmConfig const& wanted) { return start(wanted); },
        .store = &world_.store,
        .set_logger = [this](LoggerConfig const& logger) { return set_logger(logger); },
        .set_metrics = [this](MetricsConfig const& metrics) { return set_metrics(metrics); },
        .flush_metrics = [this] { return flush_metrics(); },
        .error_codes =
            world_.arguments.error_codes ? control::ErrorCodes::On : control::ErrorCodes::Off};
    controller_.emplace(std::move(options));
    if (auto const& metrics = controller_->config().metrics) BH_TRY(set_metrics(*metrics));
    auto server = control::Server::create(
        *worker_, world_.arguments.api_sock, world_.arguments.payload_limit,
        [this](http::Request const& request) { return controller_->handle(request); });
    if (!server) return std::unexpected(std::move(server).error().while_doing("API"));
    server_ = *std::move(server);
    return {};
  }

  /// Starts the machine from the configuration there is; `failed` is called if that does not work.
  void start_now(std::move_only_function<void(Error)> failed) {
    worker_->post([this, failed = std::move(failed)]() mutable {
      if (auto started = controller_->start(); !started) failed(std::move(started).error());
    });
  }

  /// No request is answered any more, and none is under way.
  void close() {
    server_.reset();
    metrics_.reset();
  }

 private:
  Result<control::Machine*> start(VmConfig const& config) {
    auto machine = mailbox_.ask(config);
    if (machine) machine_ = *machine;
    return machine;
  }
  Result<> set_logger(LoggerConfig const& logger) {
    auto options = world_.logger.options();
    if (logger.log_path) options.path = logger.log_path;
    options.level = logger.level.value_or(LogLevel::Info);
    options.show_level = logger.show_level.value_or(options.show_level);
    options.show_origin = logger.show_log_origin.value_or(options.show_origin);
    options.module = logger.module.value_or(options.module);
    return world_.logger.reconfigure(std::move(options));
  }
  Result<> set_metrics(MetricsConfig const& metrics) {
    if (metrics_ != nullptr) return fail(Errc::Exists, "Reinitialization of metrics not allowed.");
    auto writer = BH_TRY(MetricsWriter::open(*worker_, metrics.metrics_path, [this] {
      return machine_ == nullptr ? boost::json::object() : machine_->metrics();
    }));
    metrics_ = std::move(writer);
    return {};
  }
  Result<> flush_metrics() {
    if (metrics_ == nullptr) return fail(Errc::NotFound, "Logger was not initialized.");
    return metrics_->flush();
  }

  SessionWorld& world_;
  StartMailbox& mailbox_;
  std::unique_ptr<Worker> worker_;
  control::Machine* machine_ = nullptr;
  std::optional<control::Controller> controller_;
  std::unique_ptr<MetricsWriter> metrics_;
  std::unique_ptr<control::Server> server_;
};

/// Waits for a wish to start or a signal.
Result<std::optional<StopReason>> wait_for_wish(StartMailbox& mailbox,
                                                TerminationSignals const& signals) {
  auto loop = BH_TRY(DeviceLoop::create());
  std::optional<StopReason> reason;
  BH_TRY(loop.watch(mailbox.event().get(), [&] { loop.quit(); }));
  BH_TRY(loop.watch(signals.fd().get(), [&] {
    if (auto const signal = signals.take()) {
      reason = Terminated{*signal};
      loop.quit();
    }
  }));
  BH_TRY(loop.run());
  return reason;
}

void print_statistics(Vm const& machine) {
  fmt::print(stderr, "{}", machine.statistics());
}

SessionEnd end_of(Result<StopReason> reason) {
  if (reason) return *std::move(reason);
  return EngineFailure{std::move(reason).error().message};
}

}  // namespace

SessionEnd run_with_api(SessionWorld world, std::optional<VmConfig> config) {
  auto mailbox = StartMailbox::create();
  if (!mailbox) return StartFailure{mailbox.error()};
  std::unique_ptr<Vm> machine;
  Api api(world, *mailbox);
  if (auto opened = api.open(config.value_or(VmConfig())); !opened) {
    return StartFailure{opened.error()};
  }
  bool const from_file = config.has_value();
  if (from_file) api.start_now([](Error const&) {});
  while (true) {
    auto const reason = wait_for_wish(*mailbox, world.signals);
    if (!reason) return StartFailure{reason.error()};
    if (*reason) return **reason;
    auto made = world.make_machine(mailbox->take());
    if (!made) {
      mailbox->answer(std::unexpected(Error(made.error())));
      if (from_file) return StartFailure{made.error()};
      continue;
    }
    machine = *std::move(made);
    bool running = false;
    auto ended = machine->run(world.signals, [&] {
      running = true;
      mailbox->answer(machine.get());
    });
    if (!running) {
      mailbox->answer(fail(Errc::Io, ended ? "the machine has ended" : ended.error().message));
    }
    api.close();
    print_statistics(*machine);
    return end_of(std::move(ended));
  }
}

SessionEnd run_without_api(SessionWorld world, VmConfig const& config) {
  auto made = world.make_machine(config);
  if (!made) return StartFailure{made.error()};
  auto& machine = **made;
  std::unique_ptr<Worker> worker;
  std::unique_ptr<MetricsWriter> metrics;
  if (config.metrics) {
    auto started = Worker::start("metrics");
    if (!started) return StartFailure{started.error()};
    worker = *std::move(started);
    auto writer = MetricsWriter::open(*worker, config.metrics->metrics_path,
                                      [&machine] { return machine.metrics(); });
    if (!writer) return StartFailure{writer.error()};
    metrics = *std::move(writer);
  }
  auto ended = machine.run(world.signals);
  print_statistics(machine);
  return end_of(std::move(ended));
}

}  // namespace bh::vmm
