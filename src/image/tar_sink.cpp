#include "image/tar_sink.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bh::image {

namespace {

struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

unsigned type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::Folder: return AE_IFDIR;
    case EntryKind::SymbolicLink: return AE_IFLNK;
    case EntryKind::Fifo: return AE_IFIFO;
    default: return AE_IFREG;
  }
}

}  // namespace

TarSink::TarSink(Output output) : output_(std::move(output)), archive_(::archive_write_new()) {}

TarSink::~TarSink() {
  ::archive_write_free(archive_);
}

Result<std::unique_ptr<TarSink>> TarSink::open(Output output) {
  std::unique_ptr<TarSink> sink(new TarSink(std::move(output)));
  ::archive_write_set_format_pax_restricted(sink->archive_);
  // Who reads has entries as soon as they are written.
  ::archive_write_set_bytes_per_block(sink->archive_, 0);
  if (::archive_write_open(sink->archive_, sink.get(), nullptr, write_some, nullptr) !=
      ARCHIVE_OK) {
    return sink->failure();
  }
  return sink;
}

long TarSink::write_some(archive* archive, void* self, void const* data, std::size_t size) {
  auto* const sink = static_cast<TarSink*>(self);
  auto const written = sink->output_({static_cast<std::byte const*>(data), size});
  if (written) return static_cast<long>(size);
  sink->error_ = written.error();
  ::archive_set_error(archive, EIO, "the tar cannot be written");
  return -1;
}

std::unexpected<Error> TarSink::failure() const {
  if (error_) return std::unexpected(*error_);
  char const* const words = ::archive_error_string(archive_);
  return fail(Errc::Io, std::string("tar: ") + (words != nullptr ? words : "?"));
}

Result<> TarSink::take(Entry const& entry, Content& content) {
  if (entry.kind == EntryKind::Whiteout || entry.kind == EntryKind::Opaque) {
    return fail(Errc::Unsupported, "\"" + entry.path +
                                       "\" is named as tars of images name what is "
                                       "not there (rename it)");
  }
  std::unique_ptr<archive_entry, FreeEntry> const out(::archive_entry_new());
  auto const path = entry.path.empty() ? "." : entry.path;
  bool const is_folder = entry.kind == EntryKind::Folder;
  ::archive_entry_set_pathname(out.get(), (is_folder ? path + "/" : path).c_str());
  ::archive_entry_set_filetype(out.get(), type_of(entry.kind));
  ::archive_entry_set_perm(out.get(), static_cast<mode_t>(entry.mode));
  ::archive_entry_set_uid(out.get(), entry.uid);
  ::archive_entry_set_gid(out.get(), entry.gid);
  ::archive_entry_set_mtime(out.get(), entry.seconds, entry.nanoseconds);
  ::archive_entry_set_size(out.get(), static_cast<la_int64_t>(entry.size));
  if (entry.kind == EntryKind::SymbolicLink) {
    ::archive_entry_set_symlink(out.get(), entry.link.c_str());
  }
  if (entry.kind == EntryKind::HardLink) {
    ::archive_entry_set_hardlink(out.get(), entry.link.c_str());
    ::archive_entry_set_size(out.get(), 0);
  }
  for (auto const& [name, value] : entry.attributes) {
    ::archive_entry_xattr_add_entry(out.get(), name.c_str(), value.data(), value.size());
  }
  if (::archive_write_header(archive_, out.get()) != ARCHIVE_OK) return failure();
  if (entry.kind != EntryKind::File) return {};
  return write_content(entry, content);
}

Result<> TarSink::write_zeros(std::uint64_t count) {
  constexpr std::array<std::byte, 4096> kZeros{};
  while (count > 0) {
    auto const size = std::min<std::uint64_t>(count, kZeros.size());
    if (::archive_write_data(archive_, kZeros.data(), size) < 0) return failure();
    count -= size;
  }
  return {};
}

Result<> TarSink::write_content(Entry const& entry, Content& content) {
  std::uint64_t end = 0;
  while (true) {
    auto const piece = BH_TRY(content.next());
    if (piece.bytes.empty()) break;
    if (piece.offset < end || piece.offset + piece.bytes.size() > entry.size) {
      return fail(Errc::Corrupt, "\"" + entry.path + "\" is longer than its header says");
    }
    BH_TRY(write_zeros(piece.offset - end));
    if (::archive_write_data(archive_, piece.bytes.data(), piece.bytes.size()) !=
        static_cast<la_ssize_t>(piece.bytes.size())) {
      return failure();
    }
    end = piece.offset + piece.bytes.size();
  }
  return write_zeros(entry.size - end);
}

Result<> TarSink::finish() {
  if (::archive_write_close(archive_) != ARCHIVE_OK) return failure();
  return {};
}

}  // namespace bh::image
