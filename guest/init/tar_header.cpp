#include "init/tar_header.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace bh::init {

namespace {

// POSIX.1-2017, pax, "ustar Interchange Format".
struct Field {
  std::size_t start;
  std::size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kTime{136, 12};
constexpr Field kSum{148, 8};
constexpr std::size_t kKind = 156;
constexpr Field kLink{157, 100};
constexpr Field kMagic{257, 8};
constexpr Field kPrefix{345, 155};

constexpr std::string_view kUstar{
    "ustar\0"
    "00",
    8};
// Of numbers that have no room: GNU's and libarchive's way, the highest bit and then bytes.
constexpr unsigned char kBinary = 0x80;

std::string_view text_in(char const* block, Field field) {
  return {block + field.start, ::strnlen(block + field.start, field.size)};
}

bool number_in(char const* block, Field field, std::uint64_t& out) {
  auto const* const bytes = reinterpret_cast<unsigned char const*>(block + field.start);
  out = 0;
  if ((bytes[0] & kBinary) != 0) {
    for (std::size_t i = 0; i < field.size; ++i) {
      if (out >> 56 != 0) return false;
      out = out << 8 | (i == 0 ? bytes[i] & 0x7f : bytes[i]);
    }
    return true;
  }
  for (char const letter : text_in(block, field)) {
    if (letter == ' ') continue;
    if (letter < '0' || letter > '7') return false;
    out = out << 3 | static_cast<std::uint64_t>(letter - '0');
  }
  return true;
}

unsigned sum_of(char const* block) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i) {
    bool const own = i >= kSum.start && i < kSum.start + kSum.size;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

void put_number(char* block, Field field, std::uint64_t number) {
  // Octal, with NUL at the end.
  auto rest = number;
  for (std::size_t i = field.size - 1; i-- > 0;) {
    block[field.start + i] = static_cast<char>('0' + (rest & 7));
    rest >>= 3;
  }
  if (rest == 0) return;
  for (std::size_t i = field.size; i-- > 0;) {
    block[field.start + i] = static_cast<char>(number & 0xff);
    number >>= 8;
  }
  block[field.start] = static_cast<char>(kBinary);
}

void put_text(char* block, Field field, std::string_view text) {
  std::ranges::copy(text.substr(0, field.size), block + field.start);
}

/// A record of an extended header: "LENGTH KEY=VALUE\n", whose length counts itself.
std::size_t put_record(char* out, std::string_view key, std::string_view value) {
  auto const rest = key.size() + value.size() + 3;
  std::array<char, 20> digits{};
  std::size_t count = 1;
  // One digit more makes the number larger, which may make another digit.
  for (std::size_t before = 0; before != count;) {
    before = count;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), rest + count).ptr;
    count = static_cast<std::size_t>(end - digits.data());
  }
  auto* at = std::copy_n(digits.data(), count, out);
  *at++ = ' ';
  at = std::ranges::copy(key, at).out;
  *at++ = '=';
  at = std::ranges::copy(value, at).out;
  *at = '\n';
  return rest + count;
}

bool parse_number(std::string_view text, std::uint64_t& out) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool take_record(std::string_view key, std::string_view value, TarEntry& out) {
  if (key == "path") return set_text(out.path, value);
  if (key == "linkpath") return set_text(out.link, value);
  if (key == "size") return parse_number(value, out.size);
  if (key == "uid") return parse_number(value, out.uid);
  if (key == "gid") return parse_number(value, out.gid);
  if (key == "mtime") {
    auto const whole = value.substr(0, value.find('.'));
    auto const [end, error] =
        std::from_chars(whole.data(), whole.data() + whole.size(), out.seconds);
    return error == std::errc() && end == whole.data() + whole.size();
  }
  // Others are about what is not copied.
  return true;
}

}  // namespace

bool set_text(std::array<char, PATH_MAX>& out, std::string_view text) {
  if (text.size() >= out.size() || text.find('\0') != text.npos) return false;
  std::ranges::copy(text, out.begin());
  out[text.size()] = '\0';
  return true;
}

std::string_view text_of(std::array<char, PATH_MAX> const& text) {
  return {text.data(), ::strnlen(text.data(), text.size())};
}

bool parse_tar_header(char const* block, TarEntry& out) {
  std::uint64_t sum = 0;
  std::uint64_t mode = 0;
  std::uint64_t seconds = 0;
  bool const numbers = number_in(block, kSum, sum) && number_in(block, kMode, mode) &&
                       number_in(block, kUid, out.uid) && number_in(block, kGid, out.gid) &&
                       number_in(block, kSize, out.size) && number_in(block, kTime, seconds);
  if (!numbers || sum != sum_of(block) || !text_in(block, kMagic).starts_with("ustar")) {
    return false;
  }
  out.mode = static_cast<std::uint32_t>(mode & 07777);
  out.seconds = static_cast<std::int64_t>(seconds);
  out.kind = block[kKind] == '\0' ? TarEntry::kFile : block[kKind];
  auto const prefix = text_in(block, kPrefix);
  auto const name = text_in(block, kName);
  std::array<char, kPrefix.size + 1 + kName.size> whole{};
  auto* at = std::ranges::copy(prefix, whole.begin()).out;
  if (!prefix.empty()) *at++ = '/';
  at = std::ranges::copy(name, at).out;
  return set_text(out.path, {whole.data(), static_cast<std::size_t>(at - whole.data())}) &&
         set_text(out.link, text_in(block, kLink));
}

bool parse_extended(std::string_view content, TarEntry& out) {
  while (!content.empty()) {
    std::size_t length = 0;
    auto const [end, error] =
        std::from_chars(content.data(), content.data() + content.size(), length);
    auto const start = static_cast<std::size_t>(end - content.data()) + 1;
    if (error != std::errc() || length > content.size() || length <= start + 1) return false;
    if (*end != ' ' || content[length - 1] != '\n') return false;
    auto const record = content.substr(start, length - 1 - start);
    auto const equals = record.find('=');
    if (equals == record.npos ||
        !take_record(record.substr(0, equals), record.substr(equals + 1), out)) {
      return false;
    }
    content.remove_prefix(length);
  }
  return true;
}

std::size_t format_extended(TarEntry const& entry, char* out) {
  std::size_t size = 0;
  auto const path = text_of(entry.path);
  auto const link = text_of(entry.link);
  if (path.size() > kName.size) size += put_record(out + size, "path", path);
  if (link.size() > kLink.size) size += put_record(out + size, "linkpath", link);
  if (entry.capability_size != 0) {
    size += put_record(out + size, "SCHILY.xattr.security.capability",
                       {entry.capability.data(), entry.capability_size});
  }
  return size;
}

void format_tar_header(TarEntry const& entry, char* block) {
  std::fill_n(block, kTarBlock, '\0');
  put_text(block, kName, text_of(entry.path));
  put_number(block, kMode, entry.mode);
  put_number(block, kUid, entry.uid);
  put_number(block, kGid, entry.gid);
  put_number(block, kSize, entry.size);
  put_number(block, kTime, entry.seconds < 0 ? 0 : static_cast<std::uint64_t>(entry.seconds));
  block[kKind] = entry.kind;
  put_text(block, kLink, text_of(entry.link));
  put_text(block, kMagic, kUstar);
  put_number(block, kSum, sum_of(block));
}

}  // namespace bh::init
