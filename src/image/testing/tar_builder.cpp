#include "image/testing/tar_builder.h"

#include <archive.h>
#include <archive_entry.h>
#include <isa-l/igzip_lib.h>
#include <sys/sysmacros.h>
#include <zstd.h>

#include <cstdlib>

namespace bh::image {

struct TarBuilder::State {
  archive* out = ::archive_write_new();
  std::string text;
  std::vector<std::pair<std::string, std::string>> attributes;
  long uid = 0;
  long gid = 0;
};

namespace {

la_ssize_t append(archive* /*archive*/, void* text, void const* data, std::size_t size) {
  static_cast<std::string*>(text)->append(static_cast<char const*>(data), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

TarBuilder::TarBuilder() : state_(new State) {
  ::archive_write_set_format_pax_restricted(state_->out);
  ::archive_write_set_bytes_in_last_block(state_->out, 1);
  if (::archive_write_open(state_->out, &state_->text, nullptr, append, nullptr) != ARCHIVE_OK) {
    std::abort();
  }
}

TarBuilder::~TarBuilder() {
  ::archive_write_free(state_->out);
  delete state_;
}

void TarBuilder::add(std::string const& path, unsigned type, unsigned mode,
                     std::string_view content, std::string const& link,
                     std::pair<unsigned, unsigned> device) {
  archive_entry* const entry = ::archive_entry_new();
  ::archive_entry_set_pathname(entry, path.c_str());
  ::archive_entry_set_filetype(entry, type);
  ::archive_entry_set_perm(entry, mode);
  ::archive_entry_set_uid(entry, state_->uid);
  ::archive_entry_set_gid(entry, state_->gid);
  ::archive_entry_set_mtime(entry, 1'000'000'000, 0);
  ::archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
  if (type == AE_IFLNK) ::archive_entry_set_symlink(entry, link.c_str());
  if (type == AE_IFREG && !link.empty()) ::archive_entry_set_hardlink(entry, link.c_str());
  if (type == AE_IFCHR) ::archive_entry_set_rdev(entry, makedev(device.first, device.second));
  for (auto const& [name, value] : state_->attributes) {
    ::archive_entry_xattr_add_entry(entry, name.c_str(), value.data(), value.size());
  }
  ::archive_write_header(state_->out, entry);
  if (!content.empty()) ::archive_write_data(state_->out, content.data(), content.size());
  ::archive_entry_free(entry);
  state_->attributes.clear();
  state_->uid = state_->gid = 0;
}

TarBuilder& TarBuilder::file(std::string const& path, std::string_view content, unsigned mode) {
  add(path, AE_IFREG, mode, content, "", {});
  return *this;
}
TarBuilder& TarBuilder::folder(std::string const& path, unsigned mode) {
  add(path, AE_IFDIR, mode, {}, "", {});
  return *this;
}
TarBuilder& TarBuilder::symbolic_link(std::string const& path, std::string const& target) {
  add(path, AE_IFLNK, 0777, {}, target, {});
  return *this;
}
TarBuilder& TarBuilder::hard_link(std::string const& path, std::string const& target) {
  add(path, AE_IFREG, 0644, {}, target, {});
  return *this;
}
TarBuilder& TarBuilder::device(std::string const& path, unsigned major, unsigned minor) {
  add(path, AE_IFCHR, 0666, {}, "", {major, minor});
  return *this;
}
TarBuilder& TarBuilder::pipe(std::string const& path) {
  add(path, AE_IFIFO, 0600, {}, "", {});
  return *this;
}

TarBuilder& TarBuilder::with_attribute(std::string const& name, std::string const& value) {
  state_->attributes.emplace_back(name, value);
  return *this;
}
TarBuilder& TarBuilder::with_owner(long uid, long gid) {
  state_->uid = uid;
  state_->gid = gid;
  return *this;
}

std::string TarBuilder::finish() {
  ::archive_write_close(state_->out);
  return state_->text;
}

std::string gzipped(std::string_view text) {
  std::string out(text.size() + 1024, '\0');
  isal_zstream stream;
  ::isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<std::uint32_t>(text.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  if (::isal_deflate_stateless(&stream) != COMP_OK) std::abort();
  out.resize(stream.total_out);
  return out;
}

std::string zstd_compressed(std::string_view text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

}  // namespace bh::image
