#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::cli {

/// One option of a command.
struct Option {
  std::string_view name;   // "--memory"
  std::string_view value;  // What stands for its value in help, "MIB"; empty for a flag.
  std::string_view help;
  std::string_view letter = {};  // "-m", if it has one.
};

/// Whether options end at the first word, so that those of a command to run are its own, or may
/// stand anywhere before "--".
enum class WordOrder : std::uint8_t { OptionsFirst, Mixed };

/// A command's words and options as given, known to be among those it declares.
class Options {
 public:
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Empty if it was not given; the last one if it was given often.
  std::string_view value(std::string_view name) const;
  /// All that were given, in order.
  std::vector<std::string> values(std::string_view name) const;
  struct Given {
    std::string name;
    std::string value;
  };
  /// All of several options, in the order in which they were given.
  std::vector<Given> given(std::initializer_list<std::string_view> names) const;
  /// The words that are not options, in order; all that follows "--" is among them.
  std::span<std::string const> words() const { return words_; }

 private:
  friend Result<Options> parse_options(std::span<Option const>, std::span<std::string const>,
                                       WordOrder);

  Given const* find(std::string_view name) const;

  std::vector<Given> given_;
  std::vector<std::string> words_;
};

/// Sorts `arguments` into options ("--name value" or "--name=value") and words. Errc::Invalid with
/// words for the user.
Result<Options> parse_options(std::span<Option const> known, std::span<std::string const> arguments,
                              WordOrder order = WordOrder::OptionsFirst);

struct Context {
  std::ostream& out;
};

/// One row of the command table; help and parsing both read it.
struct Command {
  std::string_view name;
  std::string_view usage;
  std::string_view summary;
  std::string_view example;  // Lines that would work, as people type them.
  std::span<Option const> options;
  WordOrder order = WordOrder::OptionsFirst;
  /// The exit status of the program, or why there is none. Null if there are `commands`.
  Result<int> (*run)(Context&, Options const&) = nullptr;
  /// Commands of its own, as `image ls`.
  std::span<Command const* const> commands = {};
  /// The exit status when `run` fails; 0: 2 for bad arguments, else 1.
  int failure = 0;
};

}  // namespace bh::cli
