#include "jail/systemd/dbus.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bh::jail {

static_assert(std::endian::native == std::endian::little);

namespace {

constexpr std::size_t kLongest = std::size_t{1} << 20;
constexpr std::uint8_t kLittleEndian = 'l';
constexpr std::uint8_t kVersion = 1;

// "Header Fields" of the specification.
enum Field : std::uint8_t {
  kPath = 1,
  kInterface = 2,
  kMember = 3,
  kErrorName = 4,
  kReplySerial = 5,
  kSignature = 8,
};

void append_field(DbusWriter& out, Field field, std::string_view type, std::string_view value) {
  out.align(8).byte(field).signature(type);
  if (type == "g") {
    out.signature(value);
  } else {
    out.text(value);
  }
}

/// A value of one of the types that header fields have. False for others.
bool read_field(DbusReader& reader, std::uint8_t field, DbusMessage& out) {
  auto const type = reader.signature();
  if (type == "u") {
    auto const value = reader.natural32();
    if (field == kReplySerial) out.reply_serial = value;
    return true;
  }
  if (type != "s" && type != "o" && type != "g") return false;
  auto const value = type == "g" ? reader.signature() : reader.text();
  if (field == kMember) out.member = value;
  if (field == kErrorName) out.error_name = value;
  if (field == kSignature) out.signature = value;
  return true;
}

}  // namespace

DbusWriter& DbusWriter::align(std::size_t boundary) {
  while (bytes_.size() % boundary != 0) bytes_ += '\0';
  return *this;
}

DbusWriter& DbusWriter::byte(std::uint8_t value) {
  bytes_ += static_cast<char>(value);
  return *this;
}

DbusWriter& DbusWriter::natural32(std::uint32_t value) {
  align(sizeof value);
  bytes_.append(reinterpret_cast<char const*>(&value), sizeof value);
  return *this;
}

DbusWriter& DbusWriter::natural64(std::uint64_t value) {
  align(sizeof value);
  bytes_.append(reinterpret_cast<char const*>(&value), sizeof value);
  return *this;
}

DbusWriter& DbusWriter::text(std::string_view value) {
  natural32(static_cast<std::uint32_t>(value.size()));
  bytes_ += value;
  bytes_ += '\0';
  return *this;
}

DbusWriter& DbusWriter::signature(std::string_view value) {
  byte(static_cast<std::uint8_t>(value.size()));
  bytes_ += value;
  bytes_ += '\0';
  return *this;
}

std::size_t DbusWriter::open_array(std::size_t boundary) {
  natural32(0);
  // The length does not count the bytes up to the first element.
  std::size_t const length_at = bytes_.size() - sizeof(std::uint32_t);
  align(boundary);
  return length_at << 4U | (bytes_.size() - length_at - sizeof(std::uint32_t));
}

DbusWriter& DbusWriter::close_array(std::size_t opened) {
  std::size_t const length_at = opened >> 4U;
  std::size_t const start = length_at + sizeof(std::uint32_t) + (opened & 15U);
  auto const length = static_cast<std::uint32_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + length_at, &length, sizeof length);
  return *this;
}

std::string dbus_call(std::uint32_t serial, std::string_view path, std::string_view interface,
                      std::string_view member, std::string_view signature, std::string_view body) {
  DbusWriter out;
  out.byte(kLittleEndian).byte(static_cast<std::uint8_t>(DbusMessage::Kind::Call)).byte(0);
  out.byte(kVersion).natural32(static_cast<std::uint32_t>(body.size())).natural32(serial);
  auto const fields = out.open_array(8);
  append_field(out, kPath, "o", path);
  append_field(out, kInterface, "s", interface);
  append_field(out, kMember, "s", member);
  if (!signature.empty()) append_field(out, kSignature, "g", signature);
  out.close_array(fields).align(8);
  return out.bytes() + std::string(body);
}

Result<std::size_t> dbus_message_size(std::string_view header) {
  DbusReader reader(header);
  if (header.size() < kDbusFixedHeader || reader.byte() != kLittleEndian) {
    return fail(Errc::Corrupt, "not a little-endian D-Bus message");
  }
  reader.align(4);
  auto const body = reader.natural32();
  reader.natural32();  // Serial.
  auto const fields = reader.natural32();
  if (body > kLongest || fields > kLongest) return fail(Errc::Corrupt, "a D-Bus message too long");
  return (kDbusFixedHeader + fields + 7) / 8 * 8 + body;
}

Result<DbusMessage> parse_dbus_message(std::string_view bytes) {
  auto const size = BH_TRY(dbus_message_size(bytes));
  if (size != bytes.size()) return fail(Errc::Corrupt, "a D-Bus message of another length");
  DbusMessage message;
  DbusReader reader(bytes);
  reader.byte();
  auto const kind = reader.byte();
  if (kind < 1 || kind > 4) return fail(Errc::Corrupt, "a D-Bus message of an unknown kind");
  message.kind = static_cast<DbusMessage::Kind>(kind);
  reader.align(4);
  auto const body = reader.natural32();
  reader.natural32();
  auto const end = kDbusFixedHeader + reader.natural32();
  while (reader.good() && reader.position() < end) {
    reader.align(8);
    auto const field = reader.byte();
    // Fields of other types, such as a count of descriptors, come from nobody we talk to.
    if (!read_field(reader, field, message)) return fail(Errc::Corrupt, "an unknown D-Bus field");
  }
  if (!reader.good()) return fail(Errc::Corrupt, "a D-Bus header that ends early");
  message.body = bytes.substr(bytes.size() - body);
  return message;
}

std::string_view DbusReader::take(std::size_t size) {
  if (!good_ || size > bytes_.size() - position_) {
    good_ = false;
    return {};
  }
  auto const part = bytes_.substr(position_, size);
  position_ += size;
  return part;
}

void DbusReader::align(std::size_t boundary) {
  while (good_ && position_ % boundary != 0) take(1);
}

std::uint8_t DbusReader::byte() {
  auto const part = take(1);
  return part.empty() ? 0 : static_cast<std::uint8_t>(part[0]);
}

std::uint32_t DbusReader::natural32() {
  align(4);
  std::uint32_t value = 0;
  auto const part = take(sizeof value);
  std::ranges::copy(part, reinterpret_cast<char*>(&value));
  return value;
}

std::string_view DbusReader::text() {
  auto const value = take(natural32());
  take(1);
  return value;
}

std::string_view DbusReader::signature() {
  auto const value = take(byte());
  take(1);
  return value;
}

}  // namespace bh::jail
