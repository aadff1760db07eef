#include "image/byte_source.h"

#include <isa-l/igzip_lib.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace bh::image {

namespace {

constexpr std::size_t kInput = std::size_t{256} << 10;

/// The compressed bytes of a source, some at a time.
class Input {
 public:
  explicit Input(std::unique_ptr<ByteSource> source)
      : source_(std::move(source)), buffer_(kInput) {}

  /// What is not used yet; reads on when that is nothing. Empty at the end.
  Result<std::span<std::byte const>> available() {
    if (used_ == filled_) {
      filled_ = BH_TRY(source_->read(buffer_));
      used_ = 0;
    }
    return std::span<std::byte const>(buffer_).subspan(used_, filled_ - used_);
  }
  void use(std::size_t count) { used_ += count; }

  /// Reads at least `count` bytes, if there are so many, without using them.
  Result<std::span<std::byte const>> peek(std::size_t count) {
    while (filled_ < count) {
      auto const more = BH_TRY(source_->read(std::span(buffer_).subspan(filled_)));
      if (more == 0) break;
      filled_ += more;
    }
    return std::span<std::byte const>(buffer_).first(filled_);
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(Input input) : input_(std::move(input)) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    auto const bytes = BH_TRY(input_.available());
    auto const count = std::min(bytes.size(), out.size());
    std::copy_n(bytes.begin(), count, out.begin());
    input_.use(count);
    return count;
  }

 private:
  Input input_;
};

/// RFC 1952, any number of members one after the other.
class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(Input input)
      : input_(std::move(input)), state_(std::make_unique<inflate_state>()) {
    start_member();
  }

  Result<std::size_t> read(std::span<std::byte> out) override {
    std::size_t made = 0;
    while (made == 0) {
      auto const bytes = BH_TRY(input_.available());
      if (bytes.empty() && !started_) return 0;
      if (!started_ && bytes[0] != std::byte{0x1f}) {
        // Zeros that pad the file to some block size.
        if (bytes[0] != std::byte{0}) return fail(Errc::Corrupt, "bytes after the gzip data");
        input_.use(1);
        continue;
      }
      started_ = true;
      made = BH_TRY(inflate(bytes, out));
      bool const ended = state_->block_state == ISAL_BLOCK_FINISH;
      if (ended) start_member();
      if (made == 0 && bytes.empty() && !ended) {
        return fail(Errc::Corrupt, "gzip data ends early");
      }
    }
    return made;
  }

 private:
  void start_member() {
    ::isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
    started_ = false;
  }

  Result<std::size_t> inflate(std::span<std::byte const> bytes, std::span<std::byte> out) {
    // The library only reads its input; its type is older than const.
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(bytes.data()));
    state_->avail_in = static_cast<std::uint32_t>(bytes.size());
    state_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
    auto const space = std::min(out.size(), std::size_t{1} << 30);
    state_->avail_out = static_cast<std::uint32_t>(space);
    int const status = ::isal_inflate(state_.get());
    input_.use(bytes.size() - state_->avail_in);
    if (status < 0) {
      return fail(Errc::Corrupt, "wrong gzip data (ISA-L error " + std::to_string(status) + ")");
    }
    return space - state_->avail_out;
  }

  Input input_;
  std::unique_ptr<inflate_state> state_;
  bool started_ = false;  // Some of the current member was read.
};

/// RFC 8878, any number of frames.
class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(Input input) : input_(std::move(input)), context_(::ZSTD_createDCtx()) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    while (to.pos == 0) {
      auto const bytes = BH_TRY(input_.available());
      ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
      if (bytes.empty() && frame_done_) return 0;
      auto const status = ::ZSTD_decompressStream(context_.get(), &to, &from);
      if (::ZSTD_isError(status) != 0) {
        return fail(Errc::Corrupt, std::string("wrong zstd data: ") + ::ZSTD_getErrorName(status));
      }
      frame_done_ = status == 0;
      input_.use(from.pos);
      if (bytes.empty() && to.pos == 0) return fail(Errc::Corrupt, "zstd data ends early");
    }
    return to.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
  };

  Input input_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool frame_done_ = false;
};

bool starts_with(std::span<std::byte const> bytes, std::span<unsigned char const> magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Result<std::size_t> FileSource::read(std::span<std::byte> out) {
  while (true) {
    ssize_t const count = ::read(file_.get(), out.data(), out.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return fail_errno("read", errno);
  }
}

Result<std::size_t> MemorySource::read(std::span<std::byte> out) {
  auto const count = std::min(bytes_.size(), out.size());
  std::copy_n(bytes_.begin(), count, out.begin());
  bytes_ = bytes_.subspan(count);
  return count;
}

Result<std::unique_ptr<ByteSource>> decompressed(std::unique_ptr<ByteSource> source) {
  constexpr std::array<unsigned char, 2> kGzip{0x1f, 0x8b};
  constexpr std::array<unsigned char, 4> kZstd{0x28, 0xb5, 0x2f, 0xfd};
  // zstd:chunked starts with a skippable frame.
  constexpr std::array<unsigned char, 3> kSkippable{0x2a, 0x4d, 0x18};
  constexpr std::array<unsigned char, 6> kXz{0xfd, '7', 'z', 'X', 'Z', 0};
  constexpr std::array<unsigned char, 3> kBzip2{'B', 'Z', 'h'};
  Input input(std::move(source));
  auto const start = BH_TRY(input.peek(kXz.size()));
  std::unique_ptr<ByteSource> result;
  if (starts_with(start, kGzip)) {
    result = std::make_unique<GzipSource>(std::move(input));
  } else if (starts_with(start, kZstd) ||
             (!start.empty() && starts_with(start.subspan(1), kSkippable))) {
    result = std::make_unique<ZstdSource>(std::move(input));
  } else if (starts_with(start, kXz) || starts_with(start, kBzip2)) {
    return fail(Errc::Unsupported, "layers are gzip, zstd or plain tar; unpack it first");
  } else {
    result = std::make_unique<PlainSource>(std::move(input));
  }
  return result;
}

}  // namespace bh::image
