#include "container/cli/arguments.h"

#include <charconv>

namespace bh::container {

namespace {

Option const* find(std::span<Option const> options, std::string_view name) {
  for (auto const& option : options) {
    if (option.name == name) return &option;
    if (name.size() == 1 && option.letter == name[0]) return &option;
  }
  return nullptr;
}

}  // namespace

Result<Arguments> Arguments::parse(std::span<char* const> words, std::span<Option const> options,
                                   Rest rest) {
  Arguments out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    bool const is_option = word.size() > 1 && word[0] == '-';
    if (!is_option || (rest == Rest::Words && !out.words_.empty())) {
      out.words_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      for (++i; i < words.size(); ++i) out.words_.emplace_back(words[i]);
      break;
    }
    word.remove_prefix(word[1] == '-' ? 2 : 1);
    auto const equals = word.find('=');
    auto const name = word.substr(0, equals);
    auto const* const option = find(options, name);
    if (option == nullptr) {
      return fail(Errc::Invalid, "unknown option " + std::string(words[i]) + "; see --help");
    }
    std::string value;
    if (equals != word.npos) {
      value = word.substr(equals + 1);
    } else if (option->takes_value) {
      if (++i == words.size()) {
        return fail(Errc::Invalid, "--" + std::string(option->name) + " needs a value");
      }
      value = words[i];
    }
    out.given_.emplace_back(option->name, std::move(value));
  }
  return out;
}

bool Arguments::has(std::string_view name) const {
  auto const found = value(name);
  return found && *found != "false";
}

std::optional<std::string> Arguments::value(std::string_view name) const {
  std::optional<std::string> found;
  for (auto const& [given, value] : given_) {
    if (given == name) found = value;
  }
  return found;
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  std::vector<std::string> found;
  for (auto const& [given, value] : given_) {
    if (given == name) found.push_back(value);
  }
  return found;
}

std::string Arguments::value_or(std::string_view name, std::string_view otherwise) const {
  return value(name).value_or(std::string(otherwise));
}

Result<std::optional<std::int64_t>> Arguments::number(std::string_view name) const {
  auto const text = value(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t number = 0;
  auto const end = text->data() + text->size();
  auto const read = std::from_chars(text->data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) {
    return fail(Errc::Invalid, "--" + std::string(name) + ": \"" + *text + "\" is no number");
  }
  return std::optional(number);
}

}  // namespace bh::container
