#include "vmm/soft/store/code_image.h"

#include <algorithm>
#include <cstring>

#include "vmm/soft/step/handlers.h"
#include "vmm/soft/store/checksum.h"

namespace bh::vmm::soft {

namespace {

/// What a packed image starts with. Then: source, code, gate jumps, numbers, sites, traps, ops.
struct Head {
  std::uint32_t size;      // Of everything.
  std::uint32_t checksum;  // CRC-32C of what follows it.
  std::uint32_t key;
  std::uint16_t source;  // Counts of bytes, and of entries.
  std::uint16_t code;
  std::uint16_t gate_jumps;
  std::uint16_t numbers;
  std::uint16_t sites;
  std::uint16_t traps;
  std::uint16_t ops;
  std::uint16_t external;
  std::uint16_t saved;
  std::uint16_t host;
  std::uint16_t bits;
};

enum EntryBit : std::uint16_t { kFlagsDead = 1, kWantsHostFlags = 2, kVectors = 4, kX87 = 8 };
enum SiteBit : std::uint8_t { kWrites = 1, kUser = 2 };

struct PackedSite {
  std::int32_t target;  // undo_stack of a LookUp.
  std::uint16_t offset;
  std::uint16_t next;
  std::uint16_t go_on;
  std::uint16_t patch;
  std::uint16_t unlinked;
  std::uint16_t op;
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint8_t bits;
  std::uint8_t size;
};
constexpr std::uint16_t kNoOp = 0xffff;

struct PackedTrap {
  std::uint16_t host;
  std::uint16_t offset;
  std::uint16_t x87_opcode;
  std::uint16_t flags_in_host;
};

constexpr std::size_t kChecked = 2 * sizeof(std::uint32_t);

/// Handlers are named by their distance from one of them.
std::uint64_t anchor() {
  return reinterpret_cast<std::uint64_t>(&gather);
}

PackedSite pack(Site const& site) {
  bool const looks_up = site.kind == SiteKind::LookUp;
  return {.target = looks_up ? static_cast<std::int32_t>(site.undo_stack) : site.target,
          .offset = site.offset,
          .next = site.next,
          .go_on = static_cast<std::uint16_t>(site.go_on),
          .patch = static_cast<std::uint16_t>(site.patch),
          .unlinked = static_cast<std::uint16_t>(site.unlinked),
          .op = site.op == Site::kNone ? kNoOp : static_cast<std::uint16_t>(site.op),
          .kind = static_cast<std::uint8_t>(site.kind),
          .flags = static_cast<std::uint8_t>(site.flags),
          .bits = static_cast<std::uint8_t>((site.writes ? kWrites : 0) | (site.user ? kUser : 0)),
          .size = site.size};
}

Site unpack(PackedSite const& packed) {
  Site site{.kind = static_cast<SiteKind>(packed.kind),
            .flags = static_cast<FlagsAt>(packed.flags),
            .writes = (packed.bits & kWrites) != 0,
            .user = (packed.bits & kUser) != 0,
            .size = packed.size,
            .offset = packed.offset,
            .next = packed.next,
            .go_on = packed.go_on,
            .patch = packed.patch,
            .unlinked = packed.unlinked};
  if (site.kind == SiteKind::LookUp) {
    site.undo_stack = static_cast<std::uint32_t>(packed.target);
  } else {
    site.target = packed.target;
  }
  if (packed.op != kNoOp) site.op = packed.op;
  return site;
}

template <typename T>
void append(std::vector<std::uint8_t>& to, T const& value) {
  auto const start = to.size();
  to.resize(start + sizeof value);
  std::memcpy(to.data() + start, &value, sizeof value);
}

/// The next of its kind from the front of `bytes`, which are enough.
template <typename T>
T take(std::span<std::uint8_t const>& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

std::size_t size_of(Head const& head) {
  return sizeof(Head) + head.source + head.code +
         sizeof(std::uint16_t) * (head.gate_jumps + head.numbers) +
         sizeof(PackedSite) * head.sites + sizeof(PackedTrap) * head.traps + sizeof(Op) * head.ops;
}

std::optional<Head> head_of(std::span<std::uint8_t const> bytes) {
  if (bytes.size() < sizeof(Head)) return std::nullopt;
  auto const head = take<Head>(bytes);
  if (head.size != size_of(head) || head.size - sizeof(Head) > bytes.size()) return std::nullopt;
  return head;
}

/// Whether what its places name is in it.
bool is_whole(CodeImage const& image) {
  constexpr std::size_t kNumber = 4;
  auto const fits = [&](std::size_t offset, std::size_t size) {
    return offset + size <= image.code.size();
  };
  return std::ranges::all_of(image.gate_jumps, [&](auto at) { return fits(at, kNumber); }) &&
         std::ranges::all_of(image.numbers, [&](auto at) { return fits(at, kNumber); }) &&
         std::ranges::all_of(image.sites, [&](Site const& site) {
           return fits(site.go_on, 0) && fits(site.patch, kNumber) && fits(site.unlinked, 0) &&
                  site.kind <= SiteKind::LookUp &&
                  (site.op == Site::kNone || site.op < image.ops.size());
         });
}

}  // namespace

std::uint32_t CodeImage::key_of(std::span<std::uint8_t const> prefix, std::uint16_t page_offset,
                                unsigned mode) {
  std::uint64_t first = 0;
  std::memcpy(&first, prefix.data(), prefix.size());
  constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t const place = prefix.size() << 17 | std::uint64_t{page_offset} << 5 | mode;
  std::uint64_t const key = (first ^ place * kOdd) * kOdd;
  // 0 is for what there is not.
  auto const high = static_cast<std::uint32_t>(key >> 32);
  return high != 0 ? high : 1;
}

std::uint32_t CodeImage::key_of_source(std::span<std::uint8_t const> source,
                                       std::uint16_t page_offset, unsigned mode) {
  auto const size = *std::ranges::find_if(kPrefixes, [&](auto n) { return n <= source.size(); });
  return key_of(source.first(size), page_offset, mode);
}

std::vector<std::uint8_t> packed(CodeImage const& image) {
  auto const& entries = image.entries;
  Head head{.size = 0,
            .checksum = 0,
            .key = image.key,
            .source = static_cast<std::uint16_t>(image.source.size()),
            .code = static_cast<std::uint16_t>(image.code.size()),
            .gate_jumps = static_cast<std::uint16_t>(image.gate_jumps.size()),
            .numbers = static_cast<std::uint16_t>(image.numbers.size()),
            .sites = static_cast<std::uint16_t>(image.sites.size()),
            .traps = static_cast<std::uint16_t>(image.traps.size()),
            .ops = static_cast<std::uint16_t>(image.ops.size()),
            .external = static_cast<std::uint16_t>(entries.external),
            .saved = static_cast<std::uint16_t>(entries.saved),
            .host = static_cast<std::uint16_t>(entries.host),
            .bits = static_cast<std::uint16_t>((entries.flags_dead ? kFlagsDead : 0) |
                                               (entries.wants_host_flags ? kWantsHostFlags : 0) |
                                               (entries.fpu.vectors ? kVectors : 0) |
                                               (entries.fpu.x87 ? kX87 : 0))};
  head.size = static_cast<std::uint32_t>(size_of(head));
  std::vector<std::uint8_t> bytes;
  bytes.reserve(head.size);
  append(bytes, head);
  bytes.insert(bytes.end(), image.source.begin(), image.source.end());
  bytes.insert(bytes.end(), image.code.begin(), image.code.end());
  for (auto const at : image.gate_jumps) append(bytes, at);
  for (auto const at : image.numbers) append(bytes, at);
  for (auto const& site : image.sites) append(bytes, pack(site));
  for (auto const& trap : image.traps) {
    append(bytes, PackedTrap{.host = static_cast<std::uint16_t>(trap.host),
                             .offset = trap.offset,
                             .x87_opcode = trap.x87_opcode,
                             .flags_in_host = trap.flags_in_host});
  }
  for (Op op : image.ops) {
    auto const distance = reinterpret_cast<std::uint64_t>(op.handler) - anchor();
    std::memcpy(&op.handler, &distance, sizeof distance);
    append(bytes, op);
  }
  head.checksum = checksum(std::span(bytes).subspan(kChecked));
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes;
}

std::optional<std::uint32_t> packed_size(std::span<std::uint8_t const> bytes) {
  auto const head = head_of(bytes);
  if (!head) return std::nullopt;
  return head->size;
}

std::span<std::uint8_t const> packed_source(std::span<std::uint8_t const> bytes) {
  auto const head = head_of(bytes);
  return head ? bytes.subspan(sizeof(Head), head->source) : std::span<std::uint8_t const>();
}

std::optional<CodeImage> unpacked(std::span<std::uint8_t const> bytes) {
  auto const found = head_of(bytes);
  if (!found) return std::nullopt;
  Head const& head = *found;
  bytes = bytes.first(head.size);
  if (checksum(bytes.subspan(kChecked)) != head.checksum) return std::nullopt;
  bytes = bytes.subspan(sizeof(Head));
  CodeImage image{
      .key = head.key,
      .source = bytes.first(head.source),
      .code = bytes.subspan(head.source, head.code),
      .gate_jumps = {},
      .numbers = {},
      .sites = {},
      .traps = {},
      .ops = {},
      .entries = {.external = head.external,
                  .saved = head.saved,
                  .host = head.host,
                  .flags_dead = (head.bits & kFlagsDead) != 0,
                  .wants_host_flags = (head.bits & kWantsHostFlags) != 0,
                  .fpu = {.vectors = (head.bits & kVectors) != 0, .x87 = (head.bits & kX87) != 0}}};
  bytes = bytes.subspan(std::size_t{head.source} + head.code);
  image.gate_jumps.resize(head.gate_jumps);
  for (auto& at : image.gate_jumps) at = take<std::uint16_t>(bytes);
  image.numbers.resize(head.numbers);
  for (auto& at : image.numbers) at = take<std::uint16_t>(bytes);
  image.sites.reserve(head.sites);
  for (unsigned i = 0; i < head.sites; ++i) image.sites.push_back(unpack(take<PackedSite>(bytes)));
  image.traps.reserve(head.traps);
  for (unsigned i = 0; i < head.traps; ++i) {
    auto const trap = take<PackedTrap>(bytes);
    image.traps.push_back({.host = trap.host,
                           .offset = trap.offset,
                           .x87_opcode = trap.x87_opcode,
                           .flags_in_host = trap.flags_in_host != 0});
  }
  image.ops.reserve(head.ops);
  for (unsigned i = 0; i < head.ops; ++i) {
    auto op = take<Op>(bytes);
    std::uint64_t distance = 0;
    std::memcpy(&distance, &op.handler, sizeof distance);
    op.handler = reinterpret_cast<Handler>(anchor() + distance);
    image.ops.push_back(op);
  }
  if (!is_whole(image)) return std::nullopt;
  return image;
}

}  // namespace bh::vmm::soft
