#include "machine/copy/in_container.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "image/build/root_path.h"
#include "image/json.h"
#include "image/tar_reader.h"
#include "machine/copy/request.h"
#include "machine/copy/sinks.h"
#include "machine/copy/tar.h"
#include "os/file_write.h"
#include "os/folder.h"

namespace bh::machine {

namespace {

/// Paths of the container are resolved as one of its processes would, whatever that changes
/// meanwhile; every file is reached by one name below a descriptor.
Result<os::UniqueFd> open_in(int root, std::string const& path, std::uint64_t flags) {
  auto opened = image::build::open_in_root(root, path, flags);
  if (opened) return opened;
  auto error = opened.error();
  error.message = fmt::format("open {} of the machine{}", path,
                              error.message.substr(error.message.rfind(": ")));
  return std::unexpected(std::move(error));
}

Result<> copy_out(int root, CopyRequest const& request) {
  bool const follow = request.follow || request.path.ends_with('/') || request.path.ends_with("/.");
  auto const what = BH_TRY(open_in(root, request.path, follow ? O_PATH : O_PATH | O_NOFOLLOW));
  os::UniqueFd const out(::dup(STDOUT_FILENO));
  return tar_for_copy(what, image::Owners::AsTheyAre,
                      [&](std::span<std::byte const> bytes) { return os::write_all(out, bytes); });
}

Result<> copy_in(int root, CopyRequest const& request) {
  std::array<std::byte, std::size_t{64} * 1024> buffer{};
  auto const tar = BH_TRY(image::TarReader::open([&]() -> Result<std::span<std::byte const>> {
    ssize_t count = -1;
    do {
      count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno("read the tar", errno);
    return std::span(buffer).first(static_cast<std::size_t>(count));
  }));
  PlacedCopy placed(request, {}, [root](std::string const& path, std::uint64_t flags) {
    return open_in(root, path, flags);
  });
  BH_TRY(image::read_tar(*tar, placed));
  return placed.finish();
}

Result<> copy(std::string const& pid, std::string const& text) {
  auto const json = BH_TRY(image::parse_object(text));
  auto const request = BH_TRY(CopyRequest::parse(json));
  auto const root = BH_TRY(os::open_folder("/proc/" + pid + "/root"));
  return request.out ? copy_out(root.get(), request) : copy_in(root.get(), request);
}

}  // namespace

int copy_in_container(int argc, char** argv) {
  constexpr int kArguments = 4;
  ::umask(0);
  auto const done = argc == kArguments ? copy(argv[2], argv[3])
                                       : fail(Errc::Invalid, "copy PID REQUEST expected");
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}

}  // namespace bh::machine
