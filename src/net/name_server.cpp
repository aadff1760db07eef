#include "net/name_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "net/address_pool.h"
#include "net/host_name_servers.h"
#include "net/names.h"
#include "net/ruleset.h"
#include "os/child.h"
#include "os/folder.h"
#include "os/process_identity.h"
#include "os/text_file.h"

namespace bh::net {

namespace {

constexpr char kProgram[] = "/usr/sbin/dnsmasq";
constexpr std::size_t kMostText = std::size_t{16} << 20;

/// The files of one network's dnsmasq, and the process that runs with them.
class NameServer {
 public:
  explicit NameServer(std::string folder) : folder_(std::move(folder)) {}

  Result<> run(std::string const& config, std::string const& names);
  Result<> stop();

 private:
  std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
  bool holds(std::string const& name, std::string const& text) const {
    auto const held = os::read_text_at(AT_FDCWD, path(name), kMostText);
    return held && *held == text;
  }
  std::optional<os::ProcessIdentity> process() const;
  Result<> start() const;

  std::string folder_;
};

/// The number in its file, if that is a process with our configuration: numbers are given again.
std::optional<os::ProcessIdentity> NameServer::process() const {
  auto const text = os::read_text_at(AT_FDCWD, path("pid"), 64);
  if (!text) return std::nullopt;
  pid_t pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 1) return std::nullopt;
  auto const identity = os::identity_of(pid);
  auto const words =
      os::read_text_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/cmdline", kMostText);
  if (!identity || !words || words->find(path("dnsmasq.conf")) == words->npos) return std::nullopt;
  return *identity;
}

Result<> NameServer::start() const {
  if (::access(kProgram, X_OK) != 0) {
    return fail(
        Errc::NotFound,
        fmt::format("start {}: it is not there; install the package dnsmasq-base", kProgram));
  }
  // It goes to the background when it is ready, and says why when it cannot be.
  auto child = BH_TRY(os::Child::start({kProgram, "--conf-file=" + path("dnsmasq.conf")}));
  int const status = BH_TRY(child.wait());
  // Who was killed before may have left one that was just starting.
  if (status == 0 || process()) return {};
  return fail(Errc::Io,
              fmt::format("start {}: it ended with {} (what it said is above)", kProgram, status));
}

Result<> NameServer::run(std::string const& config, std::string const& names) {
  BH_TRY(os::make_folders(folder_));
  if (!holds("dnsmasq.conf", config)) {
    BH_TRY(stop());
    BH_TRY(os::make_folders(folder_));
    BH_TRY(os::replace_text_at(AT_FDCWD, path("dnsmasq.conf"), config));
  }
  bool const changed = !holds("names", names);
  if (changed) BH_TRY(os::replace_text_at(AT_FDCWD, path("names"), names));
  // It reads them again as a user without rights.
  if (::chmod(path("names").c_str(), 0644) != 0) return fail_errno("chmod " + path("names"), errno);
  auto const running = process();
  if (!running) return start();
  if (changed && ::kill(running->pid, SIGHUP) != 0) return fail_errno("reload dnsmasq", errno);
  return {};
}

Result<> NameServer::stop() {
  constexpr int kMostTurns = 200;
  constexpr auto kTurn = std::chrono::milliseconds(10);
  if (auto const running = process()) {
    (void)::kill(running->pid, SIGTERM);
    for (int turn = 0; os::lives(*running); ++turn) {
      if (turn == kMostTurns) (void)::kill(running->pid, SIGKILL);
      if (turn == 2 * kMostTurns) {
        return fail(Errc::Timeout, fmt::format("stop dnsmasq {}: it does not end", running->pid));
      }
      std::this_thread::sleep_for(kTurn);
    }
  }
  return os::remove_tree(AT_FDCWD, folder_);
}

/// dnsmasq takes the longest domain that a name is in: it has to be told of all rules there.
std::string sets_for(Network const& network, DomainPattern const& pattern) {
  std::set<std::string> sets;
  for (auto const& rule : network.rules) {
    auto const* const domain = rule.domain();
    bool const wider =
        domain != nullptr && domain->below && is_in_domain(pattern.name, domain->name);
    if (wider || (domain != nullptr && domain->name == pattern.name)) {
      sets.insert(fmt::format("4#inet#{}#{}", kTable, name_set(network.name, *domain)));
    }
  }
  return fmt::format("nftset=/{}/{}\n", pattern.name, fmt::join(sets, ","));
}

std::string domains_config(Network const& network, std::vector<std::string> const& servers) {
  std::set<DomainPattern> patterns;
  for (auto const& rule : network.rules) {
    if (rule.domain() != nullptr) patterns.insert(*rule.domain());
  }
  // An answer that is kept would not open an address again, and one that is long remembered would
  // outlive it.
  std::string config = patterns.empty() ? "" : "cache-size=0\nmax-ttl=10\n";
  for (auto const& pattern : patterns) {
    for (auto const& server : servers) {
      config += fmt::format("server=/{}/{}\n", pattern.text(), server);
    }
    // It would take names below one for it.
    if (!pattern.below && !answers_for(network, "x." + pattern.name)) {
      config += fmt::format("local=/*.{}/\n", pattern.name);
    }
    config += sets_for(network, pattern);
  }
  return config;
}

}  // namespace

std::string name_server_config(Network const& network, std::string const& folder,
                               std::vector<std::string> const& servers) {
  auto const config = fmt::format(
      "# Made by bulkhead for network {0}; changes do not stay.\n"
      "pid-file={1}/pid\n"
      "listen-address={2}\n"
      "bind-interfaces\n"
      "except-interface=lo\n"
      "no-hosts\n"
      "addn-hosts={1}/names\n"
      "domain-needed\n"
      "bogus-priv\n"
      "local=/{0}/\n",
      network.name, folder, gateway_of(network.subnet).text());
  if (network.egress == Verdict::Allow) return config;
  // Names that are asked for would be a way out, too.
  return config + "no-resolv\n" + domains_config(network, servers);
}

bool answers_for(Network const& network, std::string_view name) {
  return network.egress == Verdict::Allow ||
         std::ranges::any_of(network.rules, [&](EgressRule const& rule) {
           return rule.domain() != nullptr && rule.domain()->contains(name);
         });
}

std::string names_of(State const& state, Network const& network) {
  std::string names;
  for (auto const& one : state.attachments) {
    if (one.network != network.name) continue;
    names += fmt::format("{0} {1} {1}.{2}\n", one.address.text(), one.machine, network.name);
  }
  return names;
}

Result<> apply_name_servers(State const& state, std::string const& folder) {
  auto const there = BH_TRY(os::names_in(AT_FDCWD, folder));
  for (auto const& name : there) {
    auto const* const network = state.network(name);
    if (network != nullptr && network->names) continue;
    BH_TRY(NameServer(folder + "/" + name).stop());
  }
  auto const servers = host_name_servers();
  for (auto const& network : state.networks) {
    if (!network.names) continue;
    auto const own = folder + "/" + network.name;
    auto done =
        NameServer(own).run(name_server_config(network, own, servers), names_of(state, network));
    if (done) continue;
    return std::unexpected(std::move(done).error().while_doing("names of network " + network.name));
  }
  return {};
}

}  // namespace bh::net
