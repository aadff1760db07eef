#include "jail/own_binary.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/file.h"
#include "os/text_file.h"

extern char** environ;

namespace bh::jail {

namespace {

constexpr std::size_t kTextLimit = std::size_t{256} * 1024;
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr mode_t kExecutable = 0555;

struct Range {
  std::uintptr_t start;
  std::uintptr_t end;
  int protection;
  off_t offset;  // In the file.
};

/// What /proc/self/maps says of one file.
std::vector<Range> ranges_of(std::string_view maps, std::string_view path) {
  std::vector<Range> ranges;
  while (!maps.empty()) {
    auto const line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    if (!line.ends_with(path) || line.size() <= path.size() ||
        line[line.size() - path.size() - 1] != ' ') {
      continue;
    }
    Range range{};
    auto const* const end = line.data() + line.size();
    auto const first = std::from_chars(line.data(), end, range.start, 16);
    auto const second = std::from_chars(first.ptr + 1, end, range.end, 16);
    char const* const rights = second.ptr + 1;
    range.protection = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                       (rights[2] == 'x' ? PROT_EXEC : 0);
    // Behind "r-xp ".
    std::uint64_t offset = 0;
    std::from_chars(rights + 5, end, offset, 16);
    range.offset = static_cast<off_t>(offset);
    ranges.push_back(range);
  }
  return ranges;
}

/// Whether the pages were changed since the file was mapped, or may be.
bool is_data(Range const& range) {
  auto const* header = reinterpret_cast<ElfW(Phdr) const*>(::getauxval(AT_PHDR));
  for (unsigned long i = 0; i < ::getauxval(AT_PHNUM); ++i, ++header) {
    // Also what was made read-only after it was relocated.
    if (header->p_type == PT_LOAD && (header->p_flags & PF_W) != 0 && header->p_vaddr < range.end &&
        range.start < header->p_vaddr + header->p_memsz) {
      return true;
    }
  }
  return false;
}

/// Replaces pages of the file by equal ones of memory.
Result<> copy_in_place(Range const& range) {
  std::size_t const size = range.end - range.start;
  auto* const old = reinterpret_cast<void*>(range.start);
  void* const copy =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return fail_errno("mmap a copy of the program's data", errno);
  std::memcpy(copy, old, size);
  if (::mprotect(copy, size, range.protection) != 0 ||
      ::mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, old) == MAP_FAILED) {
    return fail_errno("put the copy of the program's data in place", errno);
  }
  return {};
}

/// The program's file as seen through a mount of its own, read-only and nowhere in the tree.
Result<os::UniqueFd> open_apart() {
  os::UniqueFd const mount(
      ::open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!mount.valid()) return fail_errno("open_tree /proc/self/exe", errno);
  mount_attr attributes{.attr_set = MOUNT_ATTR_RDONLY};
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return fail_errno("mount_setattr of the program's mount", errno);
  }
  return os::open_file("/proc/self/fd/" + std::to_string(mount.get()), O_RDONLY);
}

/// The kernel lets the link be changed once nothing of the linked file is mapped, and counts a file
/// of another mount as another: the same pages are mapped again from there, which costs little.
/// The code of this function is among them: its next instruction is read from the new mapping.
Result<> map_apart(std::span<Range const> ranges) {
  auto const file = BH_TRY(open_apart());
  for (auto const& range : ranges) {
    if (is_data(range)) {
      BH_TRY(copy_in_place(range));
      continue;
    }
    if (::mmap(reinterpret_cast<void*>(range.start), range.end - range.start, range.protection,
               MAP_PRIVATE | MAP_FIXED, file.get(), range.offset) == MAP_FAILED) {
      return fail_errno("map the program again", errno);
    }
  }
  return {};
}

Result<os::UniqueFd> sealed_file(char const* name, int source) {
  os::UniqueFd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return fail_errno("memfd_create", errno);
  if (source >= 0) {
    while (true) {
      ssize_t const count = ::sendfile(file.get(), source, nullptr, std::size_t{1} << 30);
      if (count == 0) break;
      if (count < 0) return fail_errno("copy the program", errno);
    }
  }
  if (::fchmod(file.get(), kExecutable) != 0 || ::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return fail_errno("seal the program", errno);
  }
  return file;
}

/// The fields of /proc/self/stat from the third on, by the numbers of proc(5).
std::array<std::uint64_t, 53> statistics(std::string_view text) {
  std::array<std::uint64_t, 53> fields{};
  // The second field is a name and may hold anything, blanks and brackets too.
  text.remove_prefix(std::min(text.rfind(')') + 2, text.size()));
  for (std::size_t i = 3; i < fields.size() && !text.empty(); ++i) {
    std::from_chars(text.data(), text.data() + text.size(), fields[i]);
    text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
  }
  return fields;
}

/// prctl(2) PR_SET_MM_MAP: everything as it is but for the link.
Result<> change_link(int file) {
  auto const text = BH_TRY(os::read_text_at(AT_FDCWD, "/proc/self/stat", kTextLimit));
  auto const now = statistics(text);
  prctl_mm_map map{};
  map.start_code = now[26];
  map.end_code = now[27];
  map.start_stack = now[28];
  map.start_data = now[45];
  map.end_data = now[46];
  map.start_brk = now[47];
  map.brk = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  map.arg_start = now[48];
  map.arg_end = now[49];
  map.env_start = now[50];
  map.env_end = now[51];
  map.exe_fd = static_cast<std::uint32_t>(file);
  if (::prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) {
    return fail_errno("prctl PR_SET_MM_MAP", errno);
  }
  return {};
}

Result<> restart_from_copy(char** arguments) {
  auto const own = BH_TRY(os::open_file("/proc/self/exe", O_RDONLY));
  int const seals = ::fcntl(own.get(), F_GET_SEALS);
  if (seals >= 0 && (seals & kSeals) == kSeals) return {};  // We are the copy.
  auto const copy = BH_TRY(sealed_file("bulkhead-oci", own.get()));
  ::fexecve(copy.get(), arguments, ::environ);
  return fail_errno("start the sealed copy of the program", errno);
}

}  // namespace

Result<> detach_from_own_binary(char** arguments) {
  char path[4096];
  ssize_t const size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size < 0) return fail_errno("readlink /proc/self/exe", errno);
  if (::geteuid() != 0) return restart_from_copy(arguments);
  auto const maps = BH_TRY(os::read_text_at(AT_FDCWD, "/proc/self/maps", kTextLimit));
  auto const empty = BH_TRY(sealed_file("bulkhead-oci", -1));
  auto const ranges = ranges_of(maps, {path, static_cast<std::size_t>(size)});
  if (map_apart(ranges) && change_link(empty.get())) return {};
  return restart_from_copy(arguments);
}

}  // namespace bh::jail
