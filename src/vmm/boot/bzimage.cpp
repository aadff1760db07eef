#include "vmm/boot/bzimage.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/hex.h"
#include "base/units.h"
#include "vmm/boot/decompress/decompress.h"

namespace bh::vmm::boot {

namespace {

// boot.rst, "The Real-Mode Kernel Header".
constexpr std::uint64_t kHeaderOffset = 0x1f1;
constexpr std::uint32_t kMagic = 0x53726448;  // "HdrS"
constexpr std::uint16_t kBootFlag = 0xaa55;
constexpr std::uint16_t kOldestProtocol = 0x0208;  // The first with payload_offset.
constexpr std::uint64_t kSectorSize = 512;
constexpr unsigned kDefaultSetupSectors = 4;  // What 0 in setup_sects means.

// Distribution kernels are below 20 MiB packed and 80 MiB unpacked, debug builds a few times that.
// The size of the unpacked kernel is a number in the file: without a cap 4 bytes ask for 4 GiB.
constexpr std::uint64_t kLargestPayload = 256u << 20;
constexpr std::uint64_t kLargestKernel = 512u << 20;

/// The fixed fields of the header, or nothing if the source is no bzImage.
std::optional<setup_header> read_header(ByteSource const& source) {
  setup_header header{};
  if (!source.read_object(kHeaderOffset, header)) return std::nullopt;
  if (header.boot_flag != kBootFlag || header.header != kMagic) return std::nullopt;
  return header;
}

/// The header ends where the jump instruction at its start leads to.
void clear_missing_fields(setup_header& header) {
  // The jump is a two-byte instruction, 0xeb and the distance from its end.
  std::size_t const end = offsetof(setup_header, jump) + sizeof header.jump + (header.jump >> 8);
  auto const bytes = std::as_writable_bytes(std::span(&header, 1));
  std::ranges::fill(bytes.subspan(std::min(end, bytes.size())), std::byte{0});
}

Result<os::MappedRegion> anonymous(std::uint64_t size) {
  return os::MappedRegion::map(size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

Result<os::MappedRegion> read_payload(ByteSource const& source, setup_header const& header) {
  unsigned const sectors = header.setup_sects == 0 ? kDefaultSetupSectors : header.setup_sects;
  std::uint64_t const begin = (sectors + 1) * kSectorSize + header.payload_offset;
  std::uint64_t const size = header.payload_length;
  if (size <= sizeof(std::uint32_t) || begin > source.size() || size > source.size() - begin) {
    return fail(Errc::Corrupt, fmt::format("its payload of {} at {} does not lie in the file of {}",
                                           size_text(size), hex(begin), size_text(source.size())));
  }
  if (size > kLargestPayload) {
    return fail(Errc::Unsupported, "its payload of " + size_text(size) + " is larger than " +
                                       size_text(kLargestPayload));
  }
  auto payload = BH_TRY(anonymous(size));
  BH_TRY(source.read_at(begin, {payload.data(), payload.size()}));
  return payload;
}

}  // namespace

bool is_bzimage(ByteSource const& source) {
  return read_header(source).has_value();
}

Result<BzImage> open_bzimage(ByteSource const& source) {
  auto found = read_header(source);
  if (!found) return fail(Errc::Invalid, "not a bzImage");
  setup_header header = *found;
  clear_missing_fields(header);
  if (header.version < kOldestProtocol) {
    return fail(Errc::Unsupported, fmt::format("its boot protocol {}.{:02} is older than 2.08",
                                               header.version >> 8, header.version & 0xff));
  }
  auto const payload = BH_TRY(read_payload(source, header));

  // The build appends the unpacked size; gzip ends in that number by itself.
  std::span<std::byte const> const bytes(payload.data(), payload.size());
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.last(sizeof size).data(), sizeof size);
  if (size == 0 || size > kLargestKernel) {
    return fail(Errc::Corrupt, "its payload claims to unpack to " + size_text(size) + "; at most " +
                                   size_text(kLargestKernel) + " is allowed");
  }
  auto kernel = BH_TRY(anonymous(size));
  BH_TRY(decompress(bytes, {kernel.data(), kernel.size()}));
  return BzImage{.header = header, .kernel = std::move(kernel)};
}

}  // namespace bh::vmm::boot
