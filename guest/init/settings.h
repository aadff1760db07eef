#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "init/arguments.h"

namespace bh::init {

/// What the file /.bulkhead/machine says, a `key=value` a word, each ended with NUL:
///
///   root    a disk with an image's file system, to be the root below a writable layer in memory
///   writable a disk with ext4 for that layer
///   mount   TYPE:SOURCE:ro|rw:OPTIONS:PATH, what is at a path besides; as often as needed. The
///   type
///           `secret` is the file SOURCE of /.bulkhead/secrets
///   readonly  the root is not written to
///   env     NAME=VALUE of the command's environment; as often as needed
///   folder  the command's working folder, made if it is not there
///   user    USER[:GROUP], names or numbers of the image
///   host    the machine's name
///   address a network card's, with its length: 10.0.2.15/24; once for each card
///   gateway the way out
///   dns     a name server's address; as often as needed
///   layer   a port of the host, where what was written is sent to after the command (layer.h)
///   session a port of the host, where the command's standard files are (session.h); then also
///   terminal, size and input as in ExecRequest
class Settings {
 public:
  /// Reads the file. False, having said why on the console, if it is there but unreadable; without
  /// one nothing is set.
  bool read();

  /// The last value of a key.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;
  /// Like find(), as a C string.
  [[nodiscard]] char const* find_text(std::string_view key) const;
  /// The last value of a key as a number; 0 if there is none, or it is none.
  [[nodiscard]] std::uint32_t number(std::string_view key) const;
  /// Calls take(value) for each value of a key.
  template <typename Take>
  void each(std::string_view key, Take take) const {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      auto const line = lines_[i];
      bool const same = line.size() > key.size() && line.starts_with(key);
      if (same && line[key.size()] == '=') take(line.substr(key.size() + 1));
    }
  }
  /// Puts all of `env` into this process's environment. The object must outlive that.
  void set_environment() const;

  /// Makes all values of `key`, in order, the words of `out`. False when there is no room.
  bool collect(std::string_view key, Arguments& out) const;
  /// As new.
  void clear() { lines_.clear(); }

  /// For read(), and for tests.
  ParseError parse(std::string_view bytes) { return parse_nul_separated(bytes, lines_); }

 private:
  Arguments lines_;
};

}  // namespace bh::init
