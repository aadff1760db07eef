#include "image/config_change.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include "base/duration.h"
#include "image/json.h"

namespace bh::image {

namespace {

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::unexpected<Error> wrong(std::string_view line, std::string_view expected) {
  return fail(Errc::Invalid, "\"" + std::string(line) + "\": expected " + std::string(expected));
}

/// ["a", "b"], or a line for the shell.
Result<std::vector<std::string>> words_of(std::string_view text) {
  if (!text.starts_with('[')) return std::vector<std::string>{"/bin/sh", "-c", std::string(text)};
  auto const object = BH_TRY(parse_object("{\"words\":" + std::string(text) + "}"));
  return texts_member(object, "words");
}

struct Assignment {
  std::string name;
  std::string value;
};

/// A="b c" D=e\ f: the quotes and backslashes of a shell, without its expansions.
Result<std::vector<Assignment>> assignments_of(std::string_view line, std::string_view text) {
  std::vector<Assignment> assignments;
  while (!(text = trimmed(text)).empty()) {
    auto const equals = text.find('=');
    if (equals == text.npos || equals == 0) return wrong(line, "NAME=VALUE");
    Assignment assignment{.name = std::string(text.substr(0, equals)), .value = {}};
    if (assignment.name.find_first_of(" \t\"'") != std::string::npos) {
      return wrong(line, "NAME=VALUE");
    }
    char quote = 0;
    std::size_t at = equals + 1;
    for (; at < text.size(); ++at) {
      char const c = text[at];
      if (quote == 0 && (c == ' ' || c == '\t')) break;
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
        assignment.value += text[++at];
      } else {
        assignment.value += c;
      }
    }
    if (quote != 0) return wrong(line, "a closing quote");
    assignments.push_back(std::move(assignment));
    text.remove_prefix(at);
  }
  if (assignments.empty()) return wrong(line, "NAME=VALUE");
  return assignments;
}

void set_environment(ImageConfig& config, Assignment const& assignment) {
  std::erase_if(config.environment,
                [&](std::string const& one) { return one.starts_with(assignment.name + "="); });
  config.environment.push_back(assignment.name + "=" + assignment.value);
}

void add_words(std::vector<std::string>& to, std::string_view text, std::string_view suffix) {
  while (!(text = trimmed(text)).empty()) {
    auto const end = text.find_first_of(" \t");
    std::string word(text.substr(0, end));
    if (!suffix.empty() && word.find('/') == std::string::npos) word += suffix;
    if (std::ranges::find(to, word) == to.end()) to.push_back(std::move(word));
    text.remove_prefix(end == text.npos ? text.size() : end);
  }
}

/// Takes the first word off.
std::string_view take_word(std::string_view& text) {
  auto const word = text.substr(0, text.find_first_of(" \t"));
  text = trimmed(text.substr(word.size()));
  return word;
}

/// Nanoseconds; 0 of "0s", which leaves it to whoever checks.
Result<std::uint64_t> nanoseconds_of(std::string_view text) {
  if (text == "0" || text == "0s") return 0;
  auto const duration = BH_TRY(parse_duration(text));
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
}

Result<> take_option(std::string_view line, std::string_view word, Healthcheck& check) {
  auto const equals = std::min(word.find('='), word.size());
  auto const name = word.substr(0, equals);
  auto const value = word.substr(std::min(equals + 1, word.size()));
  if (name == "--interval") {
    check.interval = BH_TRY(nanoseconds_of(value));
  } else if (name == "--timeout") {
    check.timeout = BH_TRY(nanoseconds_of(value));
  } else if (name == "--start-period") {
    check.start_period = BH_TRY(nanoseconds_of(value));
  } else if (name == "--retries") {
    auto const [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), check.retries);
    if (error != std::errc() || end != value.data() + value.size()) {
      return wrong(line, "--retries=NUMBER");
    }
  } else {
    return wrong(line, "--interval=, --timeout=, --start-period= or --retries=");
  }
  return {};
}

/// [OPTION...] CMD COMMAND, or NONE.
Result<Healthcheck> healthcheck_of(std::string_view line, std::string_view text) {
  Healthcheck check;
  while (text.starts_with("--")) BH_TRY(take_option(line, take_word(text), check));
  std::string kind(take_word(text));
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return std::toupper(c); });
  if (kind == "NONE" && text.empty()) {
    check.test = {"NONE"};
  } else if (kind != "CMD" || text.empty()) {
    return wrong(line, "CMD and a command, or NONE");
  } else if (text.starts_with('[')) {
    check.test = BH_TRY(words_of(text));
    check.test.insert(check.test.begin(), "CMD");
  } else {
    check.test = {"CMD-SHELL", std::string(text)};
  }
  return check;
}

}  // namespace

Result<> apply_change(ImageConfig& config, std::string_view line) {
  auto const whole = trimmed(line);
  auto const space = whole.find_first_of(" \t");
  std::string name(whole.substr(0, space));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  auto const rest = space == whole.npos ? std::string_view() : trimmed(whole.substr(space));
  if (rest.empty() && name != "CMD" && name != "ENTRYPOINT") {
    return wrong(line, "an instruction and what it is to do, as in CMD [\"sh\"]");
  }
  if (name == "CMD") {
    config.command = BH_TRY(words_of(rest));
  } else if (name == "ENTRYPOINT") {
    config.entrypoint = BH_TRY(words_of(rest));
    config.command.clear();
  } else if (name == "ENV") {
    auto const assignments = BH_TRY(assignments_of(line, rest));
    for (auto const& assignment : assignments) set_environment(config, assignment);
  } else if (name == "LABEL") {
    auto const assignments = BH_TRY(assignments_of(line, rest));
    for (auto const& [label, value] : assignments) config.labels[label] = value;
  } else if (name == "WORKDIR") {
    bool const absolute = rest.starts_with('/');
    config.working_folder =
        absolute ? std::string(rest) : config.working_folder + "/" + std::string(rest);
  } else if (name == "USER") {
    config.user = rest;
  } else if (name == "EXPOSE") {
    add_words(config.exposed_ports, rest, "/tcp");
  } else if (name == "VOLUME") {
    if (rest.starts_with('[')) {
      config.volumes = BH_TRY(words_of(rest));
    } else {
      add_words(config.volumes, rest, "");
    }
  } else if (name == "HEALTHCHECK") {
    config.healthcheck = BH_TRY(healthcheck_of(line, rest));
  } else if (name == "STOPSIGNAL") {
    config.stop_signal = rest;
  } else {
    return wrong(line,
                 "CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME or "
                 "WORKDIR");
  }
  return {};
}

}  // namespace bh::image
