#include "vmm/boot/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"

namespace bh::vmm::boot {

Result<FileSource> FileSource::open(std::string const& path) {
  // Opening a pipe without O_NONBLOCK would wait for a writer.
  auto file = BH_TRY(os::open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("fstat", errno);
  if (!S_ISREG(status.st_mode)) return fail(Errc::Invalid, "not a regular file");
  if (status.st_size == 0) return fail(Errc::Invalid, "the file is empty");
  return FileSource(std::move(file), static_cast<std::uint64_t>(status.st_size));
}

Result<> FileSource::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  return os::read_exact_at(file_, out, offset);
}

Result<> MemorySource::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
    return fail(Errc::Corrupt, "file ends early");
  }
  std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
  return {};
}

}  // namespace bh::vmm::boot
