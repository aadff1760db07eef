#include "image/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <cerrno>
#include <string>
#include <utility>

namespace bh::image {

/// pax headers are UTF-8, and libarchive converts them to what the thread's locale says: to the
/// same, while this lives.
struct TarReader::Locale {
  Locale() : own(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (own != nullptr) previous = ::uselocale(own);
  }
  Locale(Locale const&) = delete;
  Locale& operator=(Locale const&) = delete;
  ~Locale() {
    if (own == nullptr) return;
    ::uselocale(previous);
    ::freelocale(own);
  }

  locale_t own;
  locale_t previous = nullptr;
};

TarReader::TarReader(Source source)
    : source_(std::move(source)),
      locale_(std::make_unique<Locale>()),
      archive_(::archive_read_new()) {}

TarReader::~TarReader() {
  ::archive_read_free(archive_);
}

Result<std::unique_ptr<TarReader>> TarReader::open(Source source) {
  std::unique_ptr<TarReader> reader(new TarReader(std::move(source)));
  ::archive_read_support_format_tar(reader->archive_);
  ::archive_read_support_format_empty(reader->archive_);
  ::archive_read_support_filter_none(reader->archive_);
  if (::archive_read_open(reader->archive_, reader.get(), nullptr, read_some, nullptr) !=
      ARCHIVE_OK) {
    return reader->failure();
  }
  return reader;
}

Result<archive_entry*> TarReader::next_entry() {
  archive_entry* entry = nullptr;
  int const status = ::archive_read_next_header(archive_, &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  // A warning is about a name or a time that is not what the header says it is.
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure();
  return entry;
}

Result<Content::Piece> TarReader::next() {
  void const* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (size == 0) {
    int const status = ::archive_read_data_block(archive_, &data, &size, &offset);
    if (status == ARCHIVE_EOF) return Piece{};
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure();
  }
  return Piece{.bytes = {static_cast<std::byte const*>(data), size},
               .offset = static_cast<std::uint64_t>(offset)};
}

long TarReader::read_some(archive* archive, void* self, void const** data) {
  auto* const reader = static_cast<TarReader*>(self);
  auto const bytes = reader->source_();
  if (!bytes) {
    reader->error_ = bytes.error();
    ::archive_set_error(archive, EIO, "the tar cannot be read");
    return ARCHIVE_FATAL;
  }
  *data = bytes->data();
  return static_cast<long>(bytes->size());
}

std::unexpected<Error> TarReader::failure() const {
  if (error_) return std::unexpected(*error_);
  char const* const words = ::archive_error_string(archive_);
  return fail(Errc::Corrupt, std::string("wrong tar: ") + (words != nullptr ? words : "?"));
}

}  // namespace bh::image
