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

Result<Options> parse_options(std::span<Option const> known,
                              std::span<std::string const> arguments) {
  Options options;
  auto next = arguments.begin();
  for (; next != arguments.end(); ++next) {
    std::string_view const argument = *next;
    if (argument == "--") {
      ++next;
      break;
    }
    if (!argument.starts_with('-') || argument == "-") break;
    auto const equals = argument.find('=');
    std::string const name(argument.substr(0, equals));
    auto const option = std::ranges::find(known, name, &Option::name);
    if (option == known.end()) return fail(Errc::Invalid, "unknown option " + name);
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
    options.given_.push_back({.name = name, .value = std::move(value)});
  }
  options.words_.assign(next, arguments.end());
  return options;
}

}  // namespace bh::cli
