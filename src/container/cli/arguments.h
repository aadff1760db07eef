#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bh::container {

/// One option of a command line: "--name value", "--name=value", "-n value", or a flag alone.
struct Option {
  std::string_view name;
  char letter = 0;  // 0: has none.
  bool takes_value = true;
};

/// A command line taken apart. Our own and not a library's, since those that Debian has take more
/// time to start than a container does.
class Arguments {
 public:
  enum class Rest { Options, Words };  // What may follow the first word that is no option.

  /// Takes options from the front of `words`; with Rest::Words the first word ends them.
  static Result<Arguments> parse(std::span<char* const> words, std::span<Option const> options,
                                 Rest rest);

  bool has(std::string_view name) const;
  /// The last one given.
  std::optional<std::string> value(std::string_view name) const;
  std::vector<std::string> values(std::string_view name) const;
  std::string value_or(std::string_view name, std::string_view otherwise) const;
  /// Errc::Invalid when it is no number.
  Result<std::optional<std::int64_t>> number(std::string_view name) const;

  std::vector<std::string> const& words() const { return words_; }

 private:
  std::vector<std::pair<std::string_view, std::string>> given_;
  std::vector<std::string> words_;
};

}  // namespace bh::container
