#include "vmm/soft/store/code_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "os/file.h"
#include "vmm/soft/store/checksum.h"
#include "vmm/soft/store/program_identity.h"

namespace bh::vmm::soft {

namespace {

constexpr std::array<char, 8> kMagic{'B', 'H', 'C', 'O', 'D', 'E', '2', '\n'};
// The most a file may have: several kernels and what people run on them.
constexpr std::uint64_t kLargestFile = 96u << 20;
constexpr std::size_t kPiece = 256u << 10;

struct Head {
  std::array<char, 8> magic;
  ProgramIdentity program;
  std::uint64_t images_end;
  std::uint32_t slots;
  std::uint32_t checksum;  // Of the index.
};

template <typename T>
std::span<std::uint8_t const> bytes_of(std::span<T const> values) {
  return {reinterpret_cast<std::uint8_t const*>(values.data()), values.size_bytes()};
}

Result<> write_exact(os::UniqueFd const& file, std::span<std::uint8_t const> bytes) {
  while (!bytes.empty()) {
    auto const count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

std::string folder_of(std::string const& path) {
  auto const slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

std::uint64_t hash_of(CodeImage const& image) {
  std::uint64_t hash = image.key;
  for (auto const byte : image.source) hash = (hash ^ byte) * 0x100'0000'01b3;  // FNV-1a
  return hash;
}

}  // namespace

Result<std::unique_ptr<CodeStore>> CodeStore::open(std::string const& path) {
  std::unique_ptr<CodeStore> store(new CodeStore(path));
  if (auto loaded = store->load(); !loaded) {
    return std::unexpected(std::move(loaded).error().while_doing("open code cache " + path));
  }
  return store;
}

Result<> CodeStore::load() {
  os::UniqueFd const file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid() && errno == ENOENT) {
    BH_TRY(os::open_file(folder_of(path_), O_PATH | O_DIRECTORY));
    return {};
  }
  if (!file.valid()) return fail_errno("open", errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("fstat", errno);
  constexpr mode_t kOthers = 077;
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & kOthers) != 0) {
    return fail(
        Errc::Denied,
        "it must be a regular file of yours that nobody else can read or write (chmod 600)");
  }
  auto const size = static_cast<std::size_t>(status.st_size);
  Head head{};
  auto const program = program_identity();
  if (!program || size < sizeof head) return {};
  file_ = BH_TRY(os::MappedRegion::map(size, PROT_READ, MAP_PRIVATE, file));
  std::memcpy(&head, file_.data(), sizeof head);
  auto const room = size - sizeof head;
  if (head.magic != kMagic || head.program != *program || !std::has_single_bit(head.slots) ||
      head.slots > room / sizeof(Slot) || head.images_end != size - head.slots * sizeof(Slot) ||
      head.images_end % alignof(Slot) != 0) {
    return {};
  }
  std::span<Slot const> const index(reinterpret_cast<Slot const*>(file_.data() + head.images_end),
                                    head.slots);
  if (checksum(bytes_of(index)) != head.checksum) return {};
  images_end_ = head.images_end;
  index_ = index;
  // Reading the index counts no longer.
  ::madvise(file_.data(), size, MADV_DONTNEED);
  return {};
}

std::optional<std::size_t> CodeStore::first(std::uint32_t key) const {
  if (index_.empty()) return std::nullopt;
  return next((key - 1) % index_.size(), key);
}

std::optional<std::size_t> CodeStore::next(std::size_t slot, std::uint32_t key) const {
  for (std::size_t looked = 0; looked < index_.size(); ++looked) {
    slot = (slot + 1) % index_.size();
    if (index_[slot].key == 0) return std::nullopt;
    if (index_[slot].key == key) return slot;
  }
  return std::nullopt;
}

std::span<std::uint8_t const> CodeStore::image_at(std::size_t slot) const {
  auto const offset = index_[slot].offset;
  if (offset >= images_end_) return {};
  return {reinterpret_cast<std::uint8_t const*>(file_.data()) + offset, images_end_ - offset};
}

bool CodeStore::starts_with(std::span<std::uint8_t const> bytes,
                            std::span<std::uint8_t const> source) {
  return source.size() <= bytes.size() &&
         std::memcmp(bytes.data(), source.data(), source.size()) == 0;
}

/// Pages of the file are read once, mostly: they need not count as memory for long.
void CodeStore::drop_behind() const {
  constexpr unsigned kOften = 512;
  if (++found_ % kOften == 0) ::madvise(file_.data(), file_.size(), MADV_DONTNEED);
}

Result<> CodeStore::start_file() {
  new_file_ = os::UniqueFd(
      ::open(folder_of(path_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!new_file_.valid()) return fail_errno("open a temporary file", errno);
  new_size_ = sizeof(Head);
  if (::lseek(new_file_.get(), sizeof(Head), SEEK_SET) < 0) return fail_errno("lseek", errno);
  return {};
}

Result<> CodeStore::write_out() {
  if (!new_file_.valid()) BH_TRY(start_file());
  BH_TRY(write_exact(new_file_, unwritten_));
  new_size_ += unwritten_.size();
  unwritten_.clear();
  return {};
}

void CodeStore::add(CodeImage const& image) {
  constexpr std::size_t kAlignment = 16;
  std::scoped_lock const lock(mutex_);
  if (broken_ || new_size_ > kLargestFile || !known_.insert(hash_of(image)).second) return;
  auto const bytes = packed(image);
  auto const start = std::max(new_size_, std::uint64_t{sizeof(Head)}) + unwritten_.size();
  new_slots_.push_back({.key = image.key, .offset = static_cast<std::uint32_t>(start)});
  unwritten_.insert(unwritten_.end(), bytes.begin(), bytes.end());
  unwritten_.resize((unwritten_.size() + kAlignment - 1) / kAlignment * kAlignment);
  if (unwritten_.size() >= kPiece) broken_ = !write_out();
}

/// Of the new images, and of the old ones behind them.
std::vector<CodeStore::Slot> CodeStore::whole_index() const {
  std::vector<Slot> slots = new_slots_;
  for (auto const& slot : index_) {
    if (slot.key == 0 || slot.offset < sizeof(Head)) continue;
    slots.push_back({.key = slot.key,
                     .offset = static_cast<std::uint32_t>(slot.offset - sizeof(Head) + new_size_)});
  }
  std::vector<Slot> index(std::bit_ceil(2 * slots.size() + 1));
  for (auto const& slot : slots) {
    auto at = slot.key % index.size();
    while (index[at].key != 0) at = (at + 1) % index.size();
    index[at] = slot;
  }
  return index;
}

Result<> CodeStore::save() {
  constexpr std::size_t kFewPerOld = 16;
  std::scoped_lock const lock(mutex_);
  auto const program = program_identity();
  auto const added = new_size_ + unwritten_.size();
  if (broken_ || !program || new_slots_.empty() || added < images_end_ / kFewPerOld) return {};
  auto const written = [&]() -> Result<> {
    BH_TRY(write_out());
    auto old_size = images_end_ == 0 ? 0 : images_end_ - sizeof(Head);
    if (new_size_ + old_size > kLargestFile) {
      index_ = {};
      old_size = 0;
    }
    auto const index = whole_index();
    auto const* const old = reinterpret_cast<std::uint8_t const*>(file_.data()) + sizeof(Head);
    if (old_size != 0) BH_TRY(write_exact(new_file_, {old, old_size}));
    BH_TRY(write_exact(new_file_, bytes_of(std::span<Slot const>(index))));
    Head const head{.magic = kMagic,
                    .program = *program,
                    .images_end = new_size_ + old_size,
                    .slots = static_cast<std::uint32_t>(index.size()),
                    .checksum = checksum(bytes_of(std::span<Slot const>(index)))};
    if (::lseek(new_file_.get(), 0, SEEK_SET) < 0) return fail_errno("lseek", errno);
    BH_TRY(write_exact(new_file_, bytes_of(std::span<Head const>(&head, 1))));
    // A file without a name gets one of its own first: linkat(2) does not replace.
    auto const name = path_ + "." + std::to_string(::getpid());
    auto const self = "/proc/self/fd/" + std::to_string(new_file_.get());
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return fail_errno("linkat", errno);
    }
    if (::rename(name.c_str(), path_.c_str()) == 0) return {};
    auto const error = errno;
    ::unlink(name.c_str());
    return fail_errno("rename", error);
  }();
  if (!written) {
    return std::unexpected(Error(written.error()).while_doing("write code cache " + path_));
  }
  return {};
}

}  // namespace bh::vmm::soft
