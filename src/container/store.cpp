#include "container/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "container/json/document.h"
#include "jail/user_namespace.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr std::size_t kStateLimit = std::size_t{1024} * 1024;
constexpr std::size_t kLongestId = 255;

/// The socket `start` below the folder `fd`: its path may be longer than an address can hold, so
/// it is reached by the descriptor.
sockaddr_un address_of(int fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string const path = "/proc/self/fd/" + std::to_string(fd) + "/start";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

Result<os::UniqueFd> make_socket() {
  os::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket", errno);
  return socket;
}

Result<> make_folders(std::string const& path) {
  for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
    auto const part = path.substr(0, end);
    if (::mkdir(part.c_str(), end == path.npos ? 0700 : 0711) != 0 && errno != EEXIST) {
      return fail_errno("mkdir " + part, errno);
    }
    if (end == path.npos) return {};
  }
}

std::string default_root(jail::ProcDir const& proc) {
  char const* const runtime = std::getenv("XDG_RUNTIME_DIR");
  bool const root = ::geteuid() == 0 && !jail::in_user_namespace(proc);
  if (root || runtime == nullptr) return "/run/bulkhead-oci";
  return std::string(runtime) + "/bulkhead-oci";
}

}  // namespace

Result<> check_id(std::string_view id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
  if (!id.empty() && id.size() <= kLongestId && id != "." && id != ".." &&
      id.find_first_not_of(kAllowed) == id.npos) {
    return {};
  }
  return fail(Errc::Invalid,
              "\"" + std::string(id) + "\" is no container id: 1 to 255 letters, digits and _+-.");
}

Result<State> ContainerFolder::state() const {
  auto const text = BH_TRY(os::read_text_at(fd(), "state.json", kStateLimit));
  return State::parse(text);
}

Result<> ContainerFolder::write_state(State const& state) const {
  return os::replace_text_at(fd(), "state.json", state.text());
}

Result<std::string> ContainerFolder::config() const {
  return os::read_text_at(fd(), "config.json", kDocumentLimit);
}

Result<> ContainerFolder::write_config(std::string_view text) const {
  return os::replace_text_at(fd(), "config.json", text);
}

Result<os::UniqueFd> ContainerFolder::listen() const {
  auto socket = BH_TRY(make_socket());
  auto const address = address_of(fd());
  if (::bind(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 1) != 0) {
    return fail_errno("listen for start", errno);
  }
  return socket;
}

Result<os::UniqueFd> ContainerFolder::connect() const {
  auto socket = BH_TRY(make_socket());
  auto const address = address_of(fd());
  if (::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return fail_errno("connect to the process that waits for start", errno);
  }
  return socket;
}

void ContainerFolder::stop_listening() const {
  ::unlinkat(fd(), "start", 0);
}

bool ContainerFolder::waits_for_start() const {
  return ::faccessat(fd(), "start", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<Store> Store::open(jail::ProcDir const& proc, std::optional<std::string> const& root) {
  auto const path = root && !root->empty() ? *root : default_root(proc);
  auto folder = os::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (!folder && folder.error().code == Errc::NotFound) {
    BH_TRY(make_folders(path));
    folder = os::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  }
  if (!folder) return std::unexpected(std::move(folder).error().while_doing("--root"));
  return Store(std::move(*folder));
}

Result<ContainerFolder> Store::create(std::string const& id) const {
  BH_TRY(check_id(id));
  if (::mkdirat(folder_.get(), id.c_str(), 0700) != 0) {
    if (errno == EEXIST) {
      return fail(Errc::Exists, "a container with the id " + id + " already exists");
    }
    return fail_errno("mkdir " + id, errno);
  }
  auto fd = BH_TRY(os::open_at(folder_.get(), id, O_PATH | O_DIRECTORY));
  return ContainerFolder(std::move(fd), id);
}

Result<ContainerFolder> Store::find(std::string const& id) const {
  BH_TRY(check_id(id));
  auto fd = os::open_at(folder_.get(), id, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!fd && fd.error().code == Errc::NotFound) {
    return fail(Errc::NotFound, "container \"" + id + "\" does not exist");
  }
  if (!fd) return std::unexpected(std::move(fd).error());
  return ContainerFolder(std::move(*fd), id);
}

Result<std::vector<std::string>> Store::ids() const {
  auto fd = BH_TRY(os::open_at(folder_.get(), ".", O_RDONLY | O_DIRECTORY));
  struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  std::unique_ptr<DIR, CloseFolder> const folder(::fdopendir(fd.get()));
  if (!folder) return fail_errno("read --root", errno);
  (void)fd.release();
  std::vector<std::string> ids;
  while (auto const* const entry = ::readdir(folder.get())) {
    if (check_id(entry->d_name)) ids.emplace_back(entry->d_name);
  }
  return ids;
}

Result<> Store::remove(std::string const& id) const {
  BH_TRY(check_id(id));
  for (auto const* const name :
       {"start", "state.json", "state.json.new", "config.json", "config.json.new"}) {
    ::unlinkat(folder_.get(), (id + "/" + name).c_str(), 0);
  }
  if (::unlinkat(folder_.get(), id.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return fail_errno("rmdir " + id, errno);
  }
  return {};
}

Status status_of(jail::ProcDir const& proc, ContainerFolder const& folder, State const& state) {
  auto const times = process_times(proc, state.pid);
  if (!times || times->zombie || times->start_time != state.start_time) return Status::Stopped;
  if (folder.waits_for_start()) return Status::Created;
  if (jail::Cgroup::existing(state.cgroup).frozen()) return Status::Paused;
  return Status::Running;
}

}  // namespace bh::container
