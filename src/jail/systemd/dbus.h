#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::jail {

/// What of the D-Bus specification, "Type System" and "Message Protocol", a call of systemd needs.
/// Messages are little-endian.

/// Appends values in their wire form.
class DbusWriter {
 public:
  DbusWriter& natural32(std::uint32_t value);
  DbusWriter& natural64(std::uint64_t value);
  DbusWriter& boolean(bool value) { return natural32(value ? 1 : 0); }
  DbusWriter& byte(std::uint8_t value);
  /// A string or an object path.
  DbusWriter& text(std::string_view value);
  DbusWriter& signature(std::string_view value);
  /// Starts a structure, or anything else whose parts begin at a multiple of `boundary`.
  DbusWriter& align(std::size_t boundary);

  /// An array: what is appended between the two calls, elements aligned to `boundary`.
  std::size_t open_array(std::size_t boundary);
  DbusWriter& close_array(std::size_t opened);

  std::string const& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// A message as it came.
struct DbusMessage {
  enum class Kind : std::uint8_t { Call = 1, Return = 2, Error = 3, Signal = 4 };

  Kind kind = Kind::Call;
  std::uint32_t reply_serial = 0;
  std::string member;
  std::string error_name;
  std::string signature;
  std::string body;
};

/// A method call without a destination, as a connection to the service itself has none.
std::string dbus_call(std::uint32_t serial, std::string_view path, std::string_view interface,
                      std::string_view member, std::string_view signature, std::string_view body);

inline constexpr std::size_t kDbusFixedHeader = 16;
/// How long the message is whose first kDbusFixedHeader bytes these are. Errc::Corrupt for more
/// than a mebibyte, which nobody sends us.
Result<std::size_t> dbus_message_size(std::string_view header);
/// `bytes` is one whole message.
Result<DbusMessage> parse_dbus_message(std::string_view bytes);

/// Reads the values of a body, one after the other. After an overrun everything is empty.
class DbusReader {
 public:
  explicit DbusReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t byte();
  std::uint32_t natural32();
  std::string_view text();
  std::string_view signature();
  void align(std::size_t boundary);
  bool good() const { return good_; }
  std::size_t position() const { return position_; }

 private:
  std::string_view take(std::size_t size);

  std::string_view bytes_;
  std::size_t position_ = 0;
  bool good_ = true;
};

}  // namespace bh::jail
