#include "image/blob_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/units.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

std::string partial_name(Digest const& digest) {
  return std::string(kPartialFolder) + "/" + digest.hex();
}

}  // namespace

Result<BlobWriter> BlobWriter::create(Store const& store) {
  auto file = BH_TRY(os::open_at(store.fd(), kBlobsFolder, O_TMPFILE | O_RDWR, 0644));
  return BlobWriter(store, std::move(file));
}

Result<std::optional<BlobWriter>> BlobWriter::resume(Store const& store, Digest const& digest,
                                                     std::uint64_t whole_size) {
  if (store.has(digest)) return std::nullopt;
  auto const name = partial_name(digest);
  auto lock = BH_TRY(os::FileLock::lock(store.fd(), name, os::LockKind::Exclusive));
  // Who collects garbage may have taken it just now.
  while (!store.claim(name)) {
    lock = BH_TRY(os::FileLock::lock(store.fd(), name, os::LockKind::Exclusive));
  }
  if (store.has(digest)) {
    lock.remove(store.fd(), name);
    return std::nullopt;
  }
  BlobWriter writer(store, {});
  writer.lock_ = std::move(lock);
  writer.expected_ = digest;
  BH_TRY(writer.hash_what_is_there(whole_size));
  return writer;
}

Result<> BlobWriter::hash_what_is_there(std::uint64_t whole_size) {
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    ssize_t const count = ::read(file(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read a half-finished download", errno);
    if (count == 0) break;
    hasher_.update(std::span(buffer).first(static_cast<std::size_t>(count)));
    size_ += static_cast<std::uint64_t>(count);
  }
  if (size_ > whole_size) return restart();
  return {};
}

Result<> BlobWriter::restart() {
  if (::ftruncate(file(), 0) != 0) return fail_errno("truncate a blob", errno);
  ::lseek(file(), 0, SEEK_SET);
  size_ = 0;
  hasher_ = Hasher();
  return {};
}

Result<> BlobWriter::write(std::span<std::byte const> bytes) {
  hasher_.update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    ssize_t const count = ::write(file(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write a blob to " + store_->path(), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

void BlobWriter::discard() {
  if (lock_) lock_->remove(store_->fd(), partial_name(*expected_));
}

Result<Digest> BlobWriter::commit() {
  auto digest = hasher_.finish();
  if (expected_ && digest != *expected_) {
    discard();
    return fail(Errc::Corrupt, "blob " + expected_->text() + " came with the digest " +
                                   digest.text() + "; it was damaged or forged on the way");
  }
  // A name must not come out of a crash with bytes missing.
  if (::fdatasync(file()) != 0) return fail_errno("sync a blob", errno);
  ::fchmod(file(), 0644);
  auto const name = blob_name(digest);
  if (lock_) {
    if (::renameat(store_->fd(), partial_name(digest).c_str(), store_->fd(), name.c_str()) != 0) {
      return fail_errno("rename a blob to " + name, errno);
    }
    return digest;
  }
  auto const own = "/proc/self/fd/" + std::to_string(file());
  while (::linkat(AT_FDCWD, own.c_str(), store_->fd(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno != EEXIST) return fail_errno("link a blob to " + name, errno);
    if (store_->has(digest)) break;
  }
  return digest;
}

Result<Digest> BlobWriter::commit_as(Digest const& expected, std::uint64_t expected_size) {
  expected_ = expected_.value_or(expected);
  if (size_ != expected_size) {
    discard();
    return fail(Errc::Corrupt, "blob " + expected.text() + " has " + size_text(size_) +
                                   " instead of " + size_text(expected_size));
  }
  return commit();
}

}  // namespace bh::image
