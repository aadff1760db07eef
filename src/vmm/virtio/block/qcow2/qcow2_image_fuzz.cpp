#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "os/unique_fd.h"
#include "vmm/virtio/block/qcow2/open.h"

/// The last 64 bytes say what is done with the image that the others are: an operation, a place and
/// a size, four bytes each.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm::virtio;
  constexpr std::size_t kScript = 64;
  if (size < kScript) return 0;
  bh::os::UniqueFd const file(::memfd_create("image", MFD_CLOEXEC));
  std::size_t const bytes = size - kScript;
  if (::pwrite(file.get(), data, bytes, 0) != static_cast<ssize_t>(bytes)) std::abort();
  auto const opened = qcow2::open_image("/proc/self/fd/" + std::to_string(file.get()),
                                        qcow2::Image::Access::ReadWrite, qcow2::Backing::Refuse);
  if (!opened) return 0;
  auto& image = **opened;
  std::uint64_t const sectors = image.size() / kSectorSize;
  if (sectors == 0) return 0;
  std::vector<std::byte> buffer(256 * 1024);
  for (std::size_t i = bytes; i + 4 <= size; i += 4) {
    std::uint64_t const offset = (data[i + 1] | data[i + 2] << 8U) % sectors * kSectorSize;
    std::uint64_t const most = std::min<std::uint64_t>(image.size() - offset, buffer.size());
    std::uint64_t const count = std::min<std::uint64_t>(most, (1U + data[i + 3]) * kSectorSize);
    Segment const part{.address = {}, .bytes = std::span(buffer).first(count)};
    bh::Result<> done;
    switch (data[i] % 5) {
      case 0: done = image.read(offset, std::span(&part, 1)); break;
      case 1: done = image.write(offset, std::span(&part, 1)); break;
      case 2: done = image.write_zeroes(offset, count, BlockImage::Unmap::Yes); break;
      case 3: done = image.discard(offset, count); break;
      default: done = image.flush(); break;
    }
  }
  // An image can make us write as much as was asked for, with its tables, and no more.
  if (::lseek(file.get(), 0, SEEK_END) > (std::int64_t{256} << 20)) std::abort();
  return 0;
}
