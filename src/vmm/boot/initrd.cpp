#include "vmm/boot/initrd.h"

#include <fmt/format.h>

#include "base/units.h"
#include "vmm/boot/byte_source.h"

namespace bh::vmm::boot {

Result<InitrdPlace> load_initrd(GuestMemory& memory, std::string const& path, GuestAddress floor) {
  auto const file = FileSource::open(path);
  if (!file) return std::unexpected(Error(file.error()).while_doing("initrd " + path));

  std::uint64_t const end = memory.regions().front().end().value;
  if (floor.value > end || file->size() > end - floor.value ||
      (end - file->size()) / kPageSize * kPageSize < floor.value) {
    return fail(
        Errc::Invalid,
        fmt::format("initrd {} of {} does not fit into {} of guest memory (give the machine "
                    "more memory)",
                    path, size_text(file->size()), size_text(memory.size())));
  }
  GuestAddress const address{(end - file->size()) / kPageSize * kPageSize};
  std::byte* const target = memory.host_address(address, file->size());
  auto const copied = file->read_at(0, {target, file->size()});
  if (!copied) return std::unexpected(Error(copied.error()).while_doing("initrd " + path));
  return InitrdPlace{.address = address, .size = file->size()};
}

}  // namespace bh::vmm::boot
