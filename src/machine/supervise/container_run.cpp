#include "machine/supervise/container_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include "image/json.h"
#include "machine/providers/companions.h"
#include "machine/providers/user_card.h"
#include "machine/supervise/files.h"
#include "os/descriptor.h"
#include "os/folder.h"
#include "os/process_usage.h"
#include "os/spawn.h"
#include "os/text_file.h"
#include "os/unix_socket.h"

namespace bh::machine {

namespace {

constexpr char kLog[] = "oci.log";
constexpr char kStarted[] = "started";
constexpr std::size_t kLogLimit = 1 << 20;

/// What the runtime has complained of, in its log of a line of JSON each.
std::vector<std::string> complaints() {
  std::vector<std::string> messages;
  auto const text = os::read_text_at(AT_FDCWD, kLog, kLogLimit);
  if (!text) return messages;
  for (std::size_t at = 0; at < text->size();) {
    auto const end = std::min(text->find('\n', at), text->size());
    auto const line = image::parse_object(std::string_view(*text).substr(at, end - at));
    at = end + 1;
    if (!line) continue;
    auto const level = image::text_member(*line, "level");
    auto const message = image::text_member(*line, "msg");
    if (level && message && *level == "error") messages.push_back(*message);
  }
  return messages;
}

/// A number some objects down; 0 if there is none.
Result<std::uint64_t> number_at(boost::json::object const& json,
                                std::initializer_list<std::string_view> path) {
  auto const* object = &json;
  for (auto const* name = path.begin(); name + 1 != path.end(); ++name) {
    object = BH_TRY(image::object_member(*object, *name));
    if (object == nullptr) return 0;
  }
  return image::number_member(*object, *(path.end() - 1));
}

/// Whether a process is in a pid namespace below the one that /proc shows.
bool is_inside(std::string const& pid) {
  constexpr std::size_t kLimit = std::size_t{16} * 1024;
  constexpr std::string_view kIds = "\nNSpid:\t";
  auto const text = os::read_text_at(AT_FDCWD, "/proc/" + pid + "/status", kLimit);
  if (!text) return false;
  auto const at = text->find(kIds);
  if (at == text->npos) return false;
  auto const line = std::string_view(*text).substr(at + kIds.size());
  return line.substr(0, line.find('\n')).find('\t') != line.npos;
}

/// Without a control group that counts. Our own /proc has the container's processes and ours.
Result<Run::Usage> usage_of_processes() {
  Run::Usage usage;
  auto const names = BH_TRY(os::names_in(AT_FDCWD, "/proc"));
  for (auto const& name : names) {
    if (name.find_first_not_of("0123456789") != name.npos || !is_inside(name)) continue;
    auto const one = os::process_usage(std::atoi(name.c_str()));
    if (!one) continue;
    usage.cpu += one->cpu;
    usage.memory += one->memory;
    ++usage.processes;
  }
  return usage;
}

}  // namespace

Result<std::unique_ptr<Run>> ContainerRun::start(Record const& record, Process const& process,
                                                 std::vector<std::string> layers,
                                                 std::string const& disk_folder,
                                                 std::vector<SecretValue> secrets,
                                                 RunWorld const& world, NotStarted& refused) {
  auto const programs = BH_TRY(program_folder());
  auto const runtime = BH_TRY(find_companion("bulkhead-oci", {programs}));
  auto const& definition = record.definition;
  std::unique_ptr<UserNetwork> network;
  auto wiring = world.wiring;
  if (wiring.cards.empty() && has_user_card(definition.network, definition.ports)) {
    network = BH_TRY(UserNetwork::start(definition, world.loop, world.reaper));
    wiring = network->wiring();
  }
  auto bundle =
      BH_TRY(make_bundle(definition, process,
                         {.layers = std::move(layers),
                          .work_folder = disk_folder,
                          .keep = true,
                          .terminal = definition.terminal,
                          .cgroup = "/bulkhead-" + record.id,
                          .wiring = std::move(wiring),
                          .secrets = std::move(secrets),
                          .secrets_folder = world.folder + "/" + kRunFolder + "/secrets"}));
  if (bundle.refusal) {
    refused = {.status = bundle.refusal->status, .message = bundle.refusal->message};
    return fail(Errc::NotFound, bundle.refusal->message);
  }
  auto const folder = bundle.overlay.folder();
  std::unique_ptr<ContainerRun> run(
      new ContainerRun(record, process, std::move(bundle), runtime, world));
  run->network_ = std::move(network);
  ProgramSession::Options options{.input = definition.keep_input};
  std::vector<std::string> command{"run", "--bundle", folder, "--started-file", kStarted};
  if (definition.terminal) {
    options.console_socket = BH_TRY(os::listen_unix("console"));
    command.insert(command.end(), {"--console-socket", "console"});
  }
  auto const& variables = run->bundle_.private_environment;
  if (!variables.empty()) command.insert(command.end(), {"--private-env", variables});
  command.push_back(record.id);
  options.words = run->words(command);
  run->session_ = BH_TRY(ProgramSession::start(std::move(options), world.loop, world.reaper));
  auto* const self = run.get();
  // A runtime that was killed leaves its container behind.
  run->session_->on_exit = [self] { self->remove_rest(); };
  run->look_for_start();
  run->session_->on_end = [self](int status) { self->on_end(self->end_with(status)); };
  return run;
}

ContainerRun::~ContainerRun() {
  world_.loop.cancel(timer_);
  remove_rest();
}

void ContainerRun::look_for_start() {
  constexpr std::chrono::milliseconds kPause{2};
  if (::access(kStarted, F_OK) != 0) {
    timer_ = world_.loop.after(kPause, [this] { look_for_start(); });
    return;
  }
  ready_ = true;
  if (on_ready) on_ready();
}

void ContainerRun::remove_rest() {
  // What was killed a moment ago may still keep its group.
  constexpr int kTries = 100;
  constexpr int kMilliseconds = 10;
  auto const folder = std::string(kRuntimeState) + "/" + id_;
  for (int i = 0; i < kTries && ::access(folder.c_str(), F_OK) == 0; ++i) {
    if (i != 0) ::poll(nullptr, 0, kMilliseconds);
    (void)ask({"delete", "--force", id_});
  }
}

std::vector<std::string> ContainerRun::words(std::vector<std::string> const& command) const {
  std::vector<std::string> words{runtime_, "--root",       kRuntimeState, "--log",
                                 kLog,     "--log-format", "json"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

Result<std::string> ContainerRun::ask(std::vector<std::string> const& command) {
  auto [output, theirs] = BH_TRY(os::make_pipe());
  os::Spawn const program{.words = words(command), .output = theirs.get(), .error = theirs.get()};
  auto const pid = BH_TRY(os::spawn(program));
  theirs.reset();
  auto const text = os::read_text(output, kLogLimit);
  int const status = BH_TRY(os::wait_for(pid));
  if (!text) return std::unexpected(text.error());
  if (status == 0) return *text;
  return fail(Errc::Io, text->substr(0, text->find_last_not_of('\n') + 1));
}

End ContainerRun::end_with(int status) const {
  auto end = end_of(status);
  for (auto const& message : complaints()) {
    end.detail = message;
    if (message.find("OOM killer") != message.npos) {
      end.reason = Reason::OutOfMemory;
    } else if (end.reason == Reason::Exited && status == 1) {
      end.reason = Reason::NotStarted;
      end.exit_status = kCannotStart;
      end.state = State::Failed;
    }
  }
  return end;
}

Result<> ContainerRun::pause() {
  BH_TRY(ask({"pause", id_}));
  return {};
}

Result<> ContainerRun::resume() {
  BH_TRY(ask({"resume", id_}));
  return {};
}

void ContainerRun::kill() {
  // Without its first process the container ends; a runtime that does not answer is no reason not
  // to.
  if (!ask({"kill", "--all", id_, "KILL"})) session_->signal(SIGKILL);
}

Result<std::unique_ptr<Session>> ContainerRun::exec(ExecRequest const& request) {
  ProgramSession::Options options{.input = request.input};
  auto const cwd = request.working_folder.value_or(process_.working_folder);
  auto environment = process_.environment;
  environment.insert(environment.end(), request.environment.begin(), request.environment.end());
  auto const refusal = exec_refusal(bundle_.root.get(), request.words.front(), environment, cwd);
  constexpr int kNotFound = 127;
  if (refusal) {
    return fail(refusal->status == kNotFound ? Errc::NotFound : Errc::Denied, refusal->message);
  }
  std::vector<std::string> command{"exec", "--cwd", cwd};
  auto const& variables = bundle_.private_environment;
  if (!variables.empty()) command.insert(command.end(), {"--private-env", variables});
  if (request.whole) command.emplace_back("--whole");
  for (auto const& variable : request.environment) {
    command.insert(command.end(), {"--env", variable});
  }
  if (request.user) {
    auto const user = BH_TRY(container_user(bundle_.root.get(), *request.user));
    command.insert(command.end(), {"--user", fmt::format("{}:{}", user.uid, user.gid)});
  }
  if (request.terminal) {
    auto const socket = fmt::format("console.{}", next_console_++);
    options.console_socket = BH_TRY(os::listen_unix(socket));
    command.insert(command.end(), {"--tty", "--console-socket", socket});
  }
  command.push_back(id_);
  command.insert(command.end(), request.words.begin(), request.words.end());
  options.words = words(command);
  auto session = BH_TRY(ProgramSession::start(std::move(options), world_.loop, world_.reaper));
  session->resize(request.size);
  return session;
}

Result<std::string> ContainerRun::first_process() {
  auto const text = BH_TRY(ask({"state", id_}));
  auto const state = BH_TRY(image::parse_object(text));
  auto const pid = BH_TRY(image::number_member(state, "pid"));
  if (pid == 0) return fail(Errc::Busy, "it is between two runs");
  return std::to_string(pid);
}

Result<std::unique_ptr<Session>> ContainerRun::probe(Probe const& probe) {
  if (probe.kind == ProbeKind::Exec) return exec({.words = probe.words, .whole = true});
  auto const pid = BH_TRY(first_process());
  ProgramSession::Options options{
      .words = {"/proc/self/exe", "probe", pid, std::to_string(probe.port), probe.path}};
  return ProgramSession::start(std::move(options), world_.loop, world_.reaper);
}

Result<std::unique_ptr<Session>> ContainerRun::copy(CopyRequest const& request) {
  auto const pid = BH_TRY(first_process());
  ProgramSession::Options options{
      .words = {"/proc/self/exe", "copy", pid, boost::json::serialize(request.json())},
      .input = !request.out};
  return ProgramSession::start(std::move(options), world_.loop, world_.reaper);
}

Result<Run::Usage> ContainerRun::usage() {
  auto const text = BH_TRY(ask({"events", "--stats", id_}));
  auto const json = BH_TRY(image::parse_object(text));
  Usage usage;
  auto const* const data = BH_TRY(image::object_member(json, "data"));
  if (data == nullptr) return fail(Errc::Corrupt, "bulkhead-oci events: no data");
  usage.cpu = BH_TRY(number_at(*data, {"cpu", "usage", "total"}));
  usage.memory = BH_TRY(number_at(*data, {"memory", "usage", "usage"}));
  usage.memory_limit = BH_TRY(number_at(*data, {"memory", "usage", "limit"}));
  usage.processes = BH_TRY(number_at(*data, {"pids", "current"}));
  if (usage.processes == 0) return usage_of_processes();
  // What the kernel shows where there is no limit.
  constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;
  if (usage.memory_limit > kNoLimit) usage.memory_limit = 0;
  return usage;
}

Result<> ContainerRun::set_limits(Definition const& definition) {
  // As the runtime has it from config.json (image/build/container_config).
  constexpr std::uint64_t kMebibyte = 1 << 20;
  constexpr std::uint64_t kPeriod = 100'000;
  std::vector<std::string> command{"update"};
  if (definition.memory_mib) {
    command.insert(command.end(), {"--memory", std::to_string(*definition.memory_mib * kMebibyte)});
  }
  if (definition.cpus) {
    command.insert(command.end(), {"--cpu-period", std::to_string(kPeriod), "--cpu-quota",
                                   std::to_string(*definition.cpus * kPeriod)});
  }
  command.push_back(id_);
  BH_TRY(ask(command));
  return {};
}

}  // namespace bh::machine
