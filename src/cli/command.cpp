#include "cli/command.h"

#include <algorithm>

namespace bh::cli {

Options::Given const* Options::find(std::string_view name) const {
  auto const last = std::ranges::find(given_.rbegin(), given_.rend(), name, &Given::name);
  return last == given_.rend() ? nullptr : &*last;
}

std::string_view Options::value(std::string_view name) const {
  auto const* const given = find(name);
  return given == nullptr ? std::string_view() : given->value;
}

std::vector<std::string> Options::values(std::string_view name) const {
  std::vector<std::string> values;
  for (auto const& given : given_) {
    if (given.name == name) values.push_back(given.value);
  }
  return values;
}

std::vector<Options::Given> Options::given(std::initializer_list<std::string_view> names) const {
  std::vector<Given> found;
  for (auto const& one : given_) {
    if (std::ranges::find(names, std::string_view(one.name)) != names.end()) found.push_back(one);
  }
  return found;
}

namespace {

Option const* find_option(std::span<Option const> known, std::string_view name) {
  auto const option = std::ranges::find_if(
      known, [&](Option const& one) { return one.name == name || one.letter == name; });
  return option == known.end() ? nullptr : &*option;
}

/// "-it": several flags of one letter each.
bool is_cluster(std::span<Option const> known, std::string_view argument) {
  if (argument.size() < 3 || argument[1] == '-') return false;
  return std::ranges::all_of(argument.substr(1), [&](char letter) {
    auto const* const option = find_option(known, std::string{'-', letter});
    return option != nullptr && option->value.empty();
  });
}

}  // namespace

Result<Options> parse_options(std::span<Option const> known, std::span<std::string const> arguments,
                              WordOrder order) {
  Options options;
  auto next = arguments.begin();
  for (; next != arguments.end(); ++next) {
    std::string_view const argument = *next;
    if (argument == "--") {
      ++next;
      break;
    }
    if (!argument.starts_with('-') || argument == "-") {
      if (order == WordOrder::OptionsFirst) break;
      options.words_.emplace_back(argument);
      continue;
    }
    if (is_cluster(known, argument)) {
      for (char const letter : argument.substr(1)) {
        auto const* const option = find_option(known, std::string{'-', letter});
        options.given_.push_back({.name = std::string(option->name), .value = {}});
      }
      continue;
    }
    auto const equals = argument.find('=');
    std::string const name(argument.substr(0, equals));
    auto const* const option = find_option(known, name);
    if (option == nullptr) return fail(Errc::Invalid, "unknown option " + name);
    std::string value;
    if (equals != std::string_view::npos) {
      if (option->value.empty()) return fail(Errc::Invalid, name + " takes no value");
      value = argument.substr(equals + 1);
    } else if (!option->value.empty()) {
      if (next + 1 == arguments.end()) {
        return fail(Errc::Invalid, name + " needs a value: " + std::string(option->value));
      }
      value = *++next;
    }
    options.given_.push_back({.name = std::string(option->name), .value = std::move(value)});
  }
  options.words_.insert(options.words_.end(), next, arguments.end());
  return options;
}

}  // namespace bh::cli
