#include "cli/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "cli/command_archive.h"
#include "os/child.h"
#include "os/file.h"
#include "os/temporary_folder.h"

namespace bh::cli {

namespace {

constexpr std::uint64_t kDefaultMemory = 256;  // MiB
constexpr std::uint64_t kDefaultCpus = 1;
constexpr std::uint64_t kMostCpus = 32;

constexpr std::array kRunOptions{
    Option{"--kernel", "FILE", "The machine's kernel: vmlinux or bzImage (required)"},
    Option{"--initrd", "FILE", "Its root file system, as an initramfs"},
    Option{"--memory", "MIB", "Its memory, 256 MiB unless said"},
    Option{"--cpus", "N", "Its CPUs, 1 unless said"},
    Option{"--engine", "NAME", "auto (default), kvm or soft"},
    Option{"--translate", "MODE",
           "How the soft engine runs code: on (default), off, exact or compare"},
    Option{"--code-cache", "FILE",
           "Where the soft engine keeps translated code for the next run, or none"},
    Option{"--append", "ARGS", "More words for the kernel's command line"},
    Option{"--init", "FILE", "The static bulkhead-init, if it is not where it is looked for"},
};

struct RunRequest {
  std::string kernel;
  std::optional<std::string> initrd;
  std::uint64_t memory_mib = kDefaultMemory;
  std::uint64_t cpus = kDefaultCpus;
  std::string engine = "auto";
  std::string translate = "on";
  std::string code_cache;
  std::string append;
  std::string init;
  std::string monitor;
  std::span<std::string const> command;
};

Result<std::uint64_t> number(Options const& options, std::string_view name, std::uint64_t otherwise,
                             std::uint64_t most) {
  if (!options.has(name)) return otherwise;
  auto const text = options.value(name);
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most) {
    return fail(Errc::Invalid,
                fmt::format("{} \"{}\": must be a number from 1 to {}", name, text, most));
  }
  return value;
}

/// The folder of this program: its companions are installed beside it.
Result<std::filesystem::path> program_folder() {
  std::error_code error;
  auto const program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail_errno("read /proc/self/exe", error.value());
  return program.parent_path();
}

Result<std::string> find_companion(std::string_view name,
                                   std::initializer_list<std::filesystem::path> places) {
  for (auto const& place : places) {
    auto const path = place / name;
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return fail(Errc::NotFound,
              fmt::format("find {}: it is not in {}", name, places.begin()->string()));
}

/// In the user's cache folder (XDG Base Directory Specification), which is made; empty if it cannot
/// be.
std::string usual_code_cache() {
  auto const* const cache = std::getenv("XDG_CACHE_HOME");
  auto const* const home = std::getenv("HOME");
  bool const given = cache != nullptr && cache[0] == '/';
  if (!given && (home == nullptr || home[0] != '/')) return {};
  auto const folder =
      (given ? std::filesystem::path(cache) : std::filesystem::path(home) / ".cache") / "bulkhead";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? std::string() : (folder / "code").string();
}

Result<RunRequest> read_request(Options const& options) {
  RunRequest request;
  if (!options.has("--kernel")) return fail(Errc::Invalid, "--kernel FILE is required");
  request.kernel = options.value("--kernel");
  if (options.has("--initrd")) request.initrd = options.value("--initrd");
  auto const memory = BH_TRY(number(options, "--memory", kDefaultMemory, 1u << 20));
  request.memory_mib = memory;
  auto const cpus = BH_TRY(number(options, "--cpus", kDefaultCpus, kMostCpus));
  request.cpus = cpus;
  if (options.has("--engine")) request.engine = options.value("--engine");
  if (options.has("--translate")) request.translate = options.value("--translate");
  request.code_cache =
      options.has("--code-cache") ? options.value("--code-cache") : usual_code_cache();
  if (request.code_cache == "none") request.code_cache.clear();
  request.append = options.value("--append");
  request.command = options.words();

  auto const folder = BH_TRY(program_folder());
  auto const monitor = BH_TRY(find_companion("bulkhead-vmm", {folder}));
  request.monitor = monitor;
  request.init = options.value("--init");
  if (!options.has("--init")) {
    auto const init =
        BH_TRY(find_companion("bulkhead-init", {folder, folder / ".." / "guest" / "init"}));
    request.init = init;
  }
  return request;
}

Result<> write_all(os::UniqueFd const& file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// Returns how many bytes there were.
Result<std::uint64_t> copy_all(std::string const& from, os::UniqueFd const& to) {
  auto const source = BH_TRY(os::open_file(from, O_RDONLY));
  std::string buffer(1 << 20, '\0');
  std::uint64_t total = 0;
  while (true) {
    ssize_t const count = ::read(source.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read " + from, errno);
    if (count == 0) return total;
    BH_TRY(write_all(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(count))));
    total += static_cast<std::uint64_t>(count);
  }
}

Result<os::UniqueFd> create_file(std::string const& path) {
  os::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno("create " + path, errno);
  return file;
}

/// The initrd given, then bulkhead-init and the command: the kernel unpacks one after the other.
Result<> write_initrd(RunRequest const& request, std::string const& path) {
  // Linux Documentation/driver-api/early-userspace/buffer-format.rst: archives start at multiples
  // of 4, with zeros between.
  constexpr std::uint64_t kAlignment = 4;
  auto const archive = BH_TRY(make_command_archive(request.init, request.command));
  auto const file = BH_TRY(create_file(path));
  if (request.initrd) {
    auto const size = BH_TRY(copy_all(*request.initrd, file));
    BH_TRY(write_all(file, std::string((kAlignment - size % kAlignment) % kAlignment, '\0')));
  }
  return write_all(file, archive);
}

Result<> write_config(RunRequest const& request, std::string const& initrd,
                      std::string const& path) {
  auto command_line =
      fmt::format("console=ttyS0 reboot=k panic=-1 quiet loglevel=3 rdinit={}", kGuestInit);
  if (!request.append.empty()) command_line += " " + request.append;
  boost::json::object const config{
      {"boot-source",
       {{"kernel_image_path", request.kernel},
        {"initrd_path", initrd},
        {"boot_args", command_line}}},
      {"machine-config", {{"vcpu_count", request.cpus}, {"mem_size_mib", request.memory_mib}}},
  };
  auto const file = BH_TRY(create_file(path));
  return write_all(file, boost::json::serialize(config));
}

Result<int> run(Context& /*context*/, Options const& options) {
  auto const request = BH_TRY(read_request(options));
  auto const folder = BH_TRY(os::TemporaryFolder::create("bulkhead-run"));
  auto const initrd = folder.path() + "/initrd";
  auto const config = folder.path() + "/vm.json";
  BH_TRY(write_initrd(request, initrd));
  BH_TRY(write_config(request, initrd, config));
  std::vector<std::string> words{
      request.monitor,   "--config-file", config,
      "--no-api",        "--id",          fmt::format("run-{}", ::getpid()),
      "--engine",        request.engine,  "--translate",
      request.translate, "--level",       "Error",
      "--expect-status"};
  if (!request.code_cache.empty()) {
    words.insert(words.end(), {"--code-cache", request.code_cache});
  }
  auto monitor = BH_TRY(os::Child::start(words));
  return monitor.wait();
}

}  // namespace

constinit Command const kRun{
    .name = "run",
    .usage = "run --kernel FILE [--initrd FILE] [OPTION...] [--] [COMMAND [ARGUMENT...]]",
    .summary = "Run a command, or a shell, in a throw-away microVM",
    .options = kRunOptions,
    .run = run,
};

}  // namespace bh::cli
