#include "machine/providers/guest_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "os/file.h"

namespace bh::machine {

namespace {

constexpr char kFolder[] = ".bulkhead";
constexpr char kInit[] = ".bulkhead/init";
constexpr char kCommand[] = ".bulkhead/command";
constexpr char kSettings[] = ".bulkhead/machine";
constexpr char kSecrets[] = ".bulkhead/secrets";

// A static program of a few hundred KiB; anything near this is some other file.
constexpr std::uint64_t kLargestInit = 64 << 20;

struct FreeArchive {
  void operator()(archive* archive) const { ::archive_write_free(archive); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

Result<std::string> read_program(std::string const& path) {
  auto const file = BH_TRY(os::open_file(path, O_RDONLY));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat " + path, errno);
  auto const size = static_cast<std::uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size > kLargestInit) {
    return fail(Errc::Invalid, path + ": not a program for the guest");
  }
  std::string program(size, '\0');
  auto const read = os::read_exact_at(file, std::as_writable_bytes(std::span(program)), 0);
  if (!read) return std::unexpected(Error(read.error()).while_doing(path));
  return program;
}

/// Collects what libarchive writes.
la_ssize_t append(archive* /*archive*/, void* text, void const* data, std::size_t size) {
  static_cast<std::string*>(text)->append(static_cast<char const*>(data), size);
  return static_cast<la_ssize_t>(size);
}

struct File {
  char const* path;
  unsigned type;
  unsigned mode;
  std::string_view content;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

Result<> add(archive* archive, File const& file) {
  std::unique_ptr<archive_entry, FreeEntry> const entry(::archive_entry_new());
  ::archive_entry_set_pathname(entry.get(), file.path);
  ::archive_entry_set_filetype(entry.get(), file.type);
  ::archive_entry_set_perm(entry.get(), file.mode);
  ::archive_entry_set_uid(entry.get(), file.uid);
  ::archive_entry_set_gid(entry.get(), file.gid);
  ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
  ::archive_entry_set_nlink(entry.get(), file.type == AE_IFDIR ? 2 : 1);
  bool const written = ::archive_write_header(archive, entry.get()) == ARCHIVE_OK &&
                       ::archive_write_data(archive, file.content.data(), file.content.size()) ==
                           static_cast<la_ssize_t>(file.content.size());
  if (written) return {};
  return fail(Errc::Io,
              std::string("archive ") + file.path + ": " + ::archive_error_string(archive));
}

/// Each ended with NUL; no file if there are none.
Result<> add_words(archive* archive, char const* path, std::span<std::string const> words) {
  if (words.empty()) return {};
  std::string content;
  for (auto const& word : words) content += word + '\0';
  return add(archive, {path, AE_IFREG, 0600, content});
}

Result<> add_secrets(archive* archive, std::span<SecretValue const> secrets) {
  if (secrets.empty()) return {};
  BH_TRY(add(archive, {kSecrets, AE_IFDIR, 0700, {}}));
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    auto const& [use, value] = secrets[i];
    if (use.kind != SecretKind::File) continue;
    auto const path = std::string(kSecrets) + "/" + std::to_string(i);
    BH_TRY(add(archive, {path.c_str(), AE_IFREG, use.mode, value, use.uid, use.gid}));
  }
  return {};
}

}  // namespace

Result<std::string> make_guest_archive(std::string const& init_path,
                                       std::span<std::string const> command,
                                       std::span<std::string const> settings,
                                       std::span<SecretValue const> secrets) {
  auto const program = BH_TRY(read_program(init_path));

  std::string text;
  std::unique_ptr<archive, FreeArchive> const archive(::archive_write_new());
  ::archive_write_set_format_cpio_newc(archive.get());
  ::archive_write_set_bytes_in_last_block(archive.get(), 1);
  if (::archive_write_open(archive.get(), &text, nullptr, append, nullptr) != ARCHIVE_OK) {
    return fail(Errc::Io, std::string("archive: ") + ::archive_error_string(archive.get()));
  }
  BH_TRY(add(archive.get(), {kFolder, AE_IFDIR, 0755, {}}));
  BH_TRY(add(archive.get(), {kInit, AE_IFREG, 0755, program}));
  BH_TRY(add_words(archive.get(), kCommand, command));
  BH_TRY(add_words(archive.get(), kSettings, settings));
  BH_TRY(add_secrets(archive.get(), secrets));
  if (::archive_write_close(archive.get()) != ARCHIVE_OK) {
    return fail(Errc::Io, std::string("archive: ") + ::archive_error_string(archive.get()));
  }
  return text;
}

}  // namespace bh::machine
