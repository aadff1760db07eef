#include "image/archive_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "image/blob_writer.h"
#include "image/layer_entry.h"
#include "image/limits.h"
#include "image/tar_reader.h"

namespace bh::image {

namespace {

// Blobs of all layers of all images of one archive, and some small files for each.
constexpr std::size_t kMostFiles = 20'000;
constexpr std::size_t kChunk = std::size_t{1} << 20;

std::unexpected<Error> missing(std::string const& path) {
  return fail(Errc::NotFound, "there is no " + path + " in it");
}

/// "a/../b/c" relative to the folder of `link`, without "..".
Result<std::string> target_of(std::string const& link, std::string const& target) {
  std::vector<std::string> parts;
  auto const slash = link.rfind('/');
  auto rest = (slash == std::string::npos ? "" : link.substr(0, slash + 1)) + target;
  while (!rest.empty()) {
    auto const end = rest.find('/');
    auto const part = rest.substr(0, end);
    rest.erase(0, end == std::string::npos ? rest.size() : end + 1);
    if (part == ".." && parts.empty()) return missing(target);
    if (part == "..") {
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string path;
  for (auto const& part : parts) path += part + "/";
  return clean_path(path);
}

Result<ArchivedFile> keep_entry(Store const& store, TarReader& tar) {
  auto writer = BH_TRY(BlobWriter::create(store));
  while (true) {
    auto const piece = BH_TRY(tar.next());
    if (piece.bytes.empty()) break;
    if (piece.offset != writer.size() || writer.size() + piece.bytes.size() > kLargestBlob) {
      return fail(Errc::Corrupt, "a file of the archive is sparse or too large");
    }
    BH_TRY(writer.write(piece.bytes));
  }
  auto const size = writer.size();
  auto digest = BH_TRY(writer.commit());
  return ArchivedFile{.digest = std::move(digest), .size = size};
}

}  // namespace

Result<ArchivedFile> FolderFiles::keep(std::string const& path) {
  ::open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  os::UniqueFd file(
      static_cast<int>(::syscall(SYS_openat2, folder_.get(), path.c_str(), &how, sizeof how)));
  if (!file.valid() && errno == ENOENT) return missing(path);
  if (!file.valid()) return fail_errno("open " + path, errno);
  FileSource source(std::move(file));
  auto writer = BH_TRY(BlobWriter::create(store_));
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    auto const count = BH_TRY(source.read(buffer));
    if (count == 0) break;
    if (writer.size() + count > kLargestBlob) return fail(Errc::Denied, path + " is too large");
    BH_TRY(writer.write(std::span(buffer).first(count)));
  }
  auto const size = writer.size();
  auto digest = BH_TRY(writer.commit());
  return ArchivedFile{.digest = std::move(digest), .size = size};
}

Result<TarFiles> TarFiles::read(Store const& store, std::unique_ptr<ByteSource> tar) {
  auto const plain = BH_TRY(decompressed(std::move(tar)));
  std::vector<std::byte> buffer(kChunk);
  auto const reader = BH_TRY(TarReader::open([&]() -> Result<std::span<std::byte const>> {
    auto const count = BH_TRY(plain->read(buffer));
    return std::span<std::byte const>(buffer).first(count);
  }));
  TarFiles files;
  while (true) {
    auto* const entry = BH_TRY(reader->next_entry());
    if (entry == nullptr) return files;
    if (files.files_.size() + files.links_.size() >= kMostFiles) {
      return fail(Errc::Denied,
                  "the archive has more than " + std::to_string(kMostFiles) + " files");
    }
    char const* const name = ::archive_entry_pathname(entry);
    auto const path = BH_TRY(clean_path(name == nullptr ? "" : name));
    if (char const* const linked = ::archive_entry_hardlink(entry); linked != nullptr) {
      auto const target = BH_TRY(clean_path(linked));
      files.links_[path] = target;
    } else if (::archive_entry_filetype(entry) == AE_IFLNK) {
      char const* const written = ::archive_entry_symlink(entry);
      auto const target = BH_TRY(target_of(path, written == nullptr ? "" : written));
      files.links_[path] = target;
    } else if (::archive_entry_filetype(entry) == AE_IFREG) {
      auto file = BH_TRY(keep_entry(store, *reader));
      files.files_.insert_or_assign(path, std::move(file));
    }
  }
}

Result<ArchivedFile> TarFiles::keep(std::string const& path) {
  auto const link = links_.find(path);
  // One step is enough: nobody writes links to links.
  auto const found = files_.find(link == links_.end() ? path : link->second);
  if (found == files_.end()) return missing(path);
  return found->second;
}

}  // namespace bh::image
