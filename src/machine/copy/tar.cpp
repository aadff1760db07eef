#include "machine/copy/tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "image/tar_sink.h"
#include "os/file.h"

namespace bh::machine {

namespace {

/// A file's bytes, as many as it had.
class FileContent final : public image::Content {
 public:
  FileContent(os::UniqueFd const& file, std::uint64_t size) : file_(file), size_(size) {}

  Result<Piece> next() override {
    if (at_ == size_) return Piece{};
    auto const want = std::min<std::uint64_t>(size_ - at_, buffer_.size());
    ssize_t count = -1;
    do {
      count = ::read(file_.get(), buffer_.data(), want);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno("read", errno);
    // It became shorter meanwhile: the rest is zeros.
    if (count == 0) return Piece{};
    Piece const piece{.bytes = {buffer_.data(), static_cast<std::size_t>(count)}, .offset = at_};
    at_ += static_cast<std::uint64_t>(count);
    return piece;
  }

 private:
  os::UniqueFd const& file_;
  std::uint64_t size_;
  std::uint64_t at_ = 0;
  std::array<std::byte, std::size_t{64} * 1024> buffer_{};
};

}  // namespace

Result<> tar_for_copy(os::UniqueFd const& what, image::Owners owners,
                      image::TarOutput const& write) {
  struct stat info{};
  if (::fstat(what.get(), &info) != 0) return fail_errno("stat", errno);
  auto const itself = "/proc/self/fd/" + std::to_string(what.get());
  if (S_ISDIR(info.st_mode)) return image::tar_folder(itself, {.owners = owners}, write);
  image::Entry entry{.path = "file",
                     .mode = info.st_mode & 07777,
                     .uid = owners == image::Owners::Root ? 0 : info.st_uid,
                     .gid = owners == image::Owners::Root ? 0 : info.st_gid,
                     .seconds = info.st_mtim.tv_sec,
                     .nanoseconds = static_cast<std::uint32_t>(info.st_mtim.tv_nsec)};
  auto const tar = BH_TRY(image::TarSink::open(write));
  os::UniqueFd file;
  if (S_ISLNK(info.st_mode)) {
    std::array<char, 4096> target{};
    ssize_t const size = ::readlinkat(what.get(), "", target.data(), target.size());
    if (size <= 0) return fail_errno("readlink", errno);
    entry.kind = image::EntryKind::SymbolicLink;
    entry.link.assign(target.data(), static_cast<std::size_t>(size));
  } else if (S_ISREG(info.st_mode)) {
    file = BH_TRY(os::open_file(itself, O_RDONLY));
    entry.size = static_cast<std::uint64_t>(info.st_size);
  } else {
    return fail(Errc::Unsupported, "it is neither a file nor a folder nor a symbolic link");
  }
  FileContent content(file, entry.size);
  BH_TRY(tar->take(entry, content));
  return tar->finish();
}

}  // namespace bh::machine
