#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace bh::init {

/// A program and its arguments, as execve() takes them, in storage of a fixed size: the first
/// process of a machine has nobody to tell that memory ran out.
///
/// Not copied: the words point into the object.
class Arguments {
 public:
  /// One argument of Linux may have 128 KiB (MAX_ARG_STRLEN); commands longer than this in all
  /// belong in a script.
  static constexpr std::size_t kMaxBytes = 128 * 1024;
  static constexpr std::size_t kMaxWords = 1024;

  Arguments() = default;
  Arguments(Arguments const&) = delete;
  Arguments& operator=(Arguments const&) = delete;

  /// Adds `byte` to the word being written; false when there is no room. NUL is not allowed.
  bool append(char byte);
  /// Ends the word being written, which may be empty; false when there is no room.
  bool end_word();
  /// As new.
  void clear();

  [[nodiscard]] std::size_t size() const { return count_; }
  /// `index` must be below size().
  [[nodiscard]] std::string_view operator[](std::size_t index) const { return words_[index]; }
  /// size() words and a null pointer, valid as long as this object.
  [[nodiscard]] char* const* argv() const { return words_.data(); }

 private:
  std::array<char, kMaxBytes> bytes_{};
  std::size_t used_ = 0;
  std::size_t word_start_ = 0;
  std::array<char*, kMaxWords + 1> words_{};
  std::size_t count_ = 0;
};

enum class ParseError { None, Empty, TooLong, BadEscape };

/// What to tell the person who wrote the command.
std::string_view to_string(ParseError error);

/// Reads words that each end with NUL; the last one's may be missing. What is in `out` after an
/// error is not to be used.
ParseError parse_nul_separated(std::string_view bytes, Arguments& out);

/// Reads words separated by ',', with %XX for any byte but NUL: "sh,-c,echo%20a%2cb".
ParseError parse_percent_encoded(std::string_view text, Arguments& out);

/// The value of the last `name=value` in a kernel command line, whose words may hold blanks within
/// double quotes (Linux Documentation/admin-guide/kernel-parameters.rst). The value is as written:
/// quotes stay.
std::optional<std::string_view> find_parameter(std::string_view command_line,
                                               std::string_view name);

}  // namespace bh::init
