#include "image/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "image/blob_writer.h"
#include "image/limits.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

constexpr char kLayoutFile[] = "oci-layout";
constexpr char kLayout[] = R"({"imageLayoutVersion":"1.0.0"})";

}  // namespace

std::string blob_name(Digest const& digest) {
  return std::string(kBlobsFolder) + "/" + digest.hex();
}

std::string Store::default_root() {
  if (::geteuid() == 0) return "/var/lib/bulkhead";
  auto const* const data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + "/bulkhead";
  auto const* const home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/tmp") + "/.local/share/bulkhead";
}

Result<Store> Store::open(std::string const& root) {
  std::error_code error;
  auto path = std::filesystem::absolute(root, error).lexically_normal().string();
  if (error) return fail_errno("open the image store " + root, error.value());
  path += path.ends_with('/') ? "images" : "/images";
  for (auto const* const part : {kBlobsFolder, kPartialFolder, kLayersFolder, kDisksFolder}) {
    auto made = os::make_folders(path + "/" + part);
    if (!made) {
      return std::unexpected(std::move(made).error().while_doing("open the image store " + root));
    }
  }
  auto folder = BH_TRY(os::open_folder(path));
  // Unpacked layers have programs of foreign users with set-uid bits in them.
  ::chmod((path + "/" + kLayersFolder).c_str(), 0700);
  // Made by whoever comes first.
  auto const layout = os::open_at(folder.get(), kLayoutFile, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (layout) BH_TRY(os::write_text(*layout, kLayout));
  return Store(std::move(folder), std::move(path));
}

bool Store::has(Digest const& digest) const {
  return claim(blob_name(digest));
}

Result<os::UniqueFd> Store::open_blob(Digest const& digest) const {
  auto blob = os::open_at(fd(), blob_name(digest), O_RDONLY | O_NOFOLLOW);
  if (!blob && blob.error().code == Errc::NotFound) {
    return fail(Errc::NotFound, "blob " + digest.text() + " is not in the store; pull the image");
  }
  return blob;
}

Result<std::uint64_t> Store::blob_size(Digest const& digest) const {
  struct stat info{};
  if (::fstatat(fd(), blob_name(digest).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("stat " + blob_name(digest), errno);
  }
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> Store::read_document(Digest const& digest) const {
  auto const blob = BH_TRY(open_blob(digest));
  auto text = BH_TRY(os::read_text(blob, kDocumentLimit));
  if (Digest::of(text) != digest) {
    return fail(Errc::Corrupt, "blob " + digest.text() +
                                   " of the store is damaged; remove the image and pull it again");
  }
  return text;
}

Result<Digest> Store::add(std::string_view text) const {
  auto writer = BH_TRY(BlobWriter::create(*this));
  BH_TRY(writer.write(std::as_bytes(std::span(text))));
  return writer.commit();
}

}  // namespace bh::image
