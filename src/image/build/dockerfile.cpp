#include "image/build/dockerfile.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "image/build/run_mount.h"
#include "image/json.h"
#include "image/limits.h"

namespace bh::image::build {

namespace {

// Longer ones are not written by people.
constexpr std::size_t kMostInstructions = 10'000;

struct Known {
  std::string_view name;
  Verb verb;
};
constexpr std::array kVerbs{
    Known{"ADD", Verb::Add},
    Known{"ARG", Verb::Arg},
    Known{"CMD", Verb::Cmd},
    Known{"COPY", Verb::Copy},
    Known{"ENTRYPOINT", Verb::Entrypoint},
    Known{"ENV", Verb::Env},
    Known{"EXPOSE", Verb::Expose},
    Known{"FROM", Verb::From},
    Known{"HEALTHCHECK", Verb::Healthcheck},
    Known{"LABEL", Verb::Label},
    Known{"MAINTAINER", Verb::Maintainer},
    Known{"ONBUILD", Verb::Onbuild},
    Known{"RUN", Verb::Run},
    Known{"SHELL", Verb::Shell},
    Known{"STOPSIGNAL", Verb::Stopsignal},
    Known{"USER", Verb::User},
    Known{"VOLUME", Verb::Volume},
    Known{"WORKDIR", Verb::Workdir},
};

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string changed_case(std::string_view text, int (*change)(int)) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [change](unsigned char c) { return static_cast<char>(change(c)); });
  return out;
}

std::unexpected<Error> wrong(std::size_t line, std::string const& words,
                             Errc kind = Errc::Invalid) {
  return fail(kind, "line " + std::to_string(line) + ": " + words);
}

/// Takes the first word off.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  auto const end = std::min(text.size(), text.find_first_of(" \t"));
  auto const word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

struct Logical {
  std::size_t line;
  std::string text;
};

/// Joins continued lines and drops comments, which may stand between them.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) { read_directives(); }

  std::optional<Logical> next() {
    Logical logical{.line = 0, .text = {}};
    while (!rest_.empty()) {
      auto const line = take_line();
      auto const bare = trimmed(line);
      if (bare.starts_with('#') || (bare.empty() && logical.line == 0)) continue;
      if (bare.empty()) continue;  // Within an instruction: docker warns, and goes on.
      if (logical.line == 0) logical.line = number_;
      bool const continues = bare.ends_with(escape_);
      logical.text += continues ? bare.substr(0, bare.size() - 1) : bare;
      if (!continues) return logical;
    }
    if (logical.line == 0) return std::nullopt;
    return logical;
  }

  /// The lines up to one that is `document`'s name, as they are; false if there is no such line.
  bool read_document(HereDocument& document) {
    while (!rest_.empty()) {
      auto line = take_line();
      auto bare = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
      if (document.strips) {
        bare.remove_prefix(std::min(bare.find_first_not_of('\t'), bare.size()));
      }
      if (bare == document.name) return true;
      document.content.append(bare) += '\n';
    }
    return false;
  }

 private:
  std::string_view take_line() {
    auto const end = rest_.find('\n');
    auto const line = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    ++number_;
    return line;
  }

  /// "# escape=`" in the first lines.
  void read_directives() {
    auto rest = rest_;
    while (rest.starts_with('#')) {
      auto const line = rest.substr(1, rest.find('\n') - 1);
      auto const equals = line.find('=');
      if (equals == line.npos) return;
      auto const name = changed_case(trimmed(line.substr(0, equals)), std::tolower);
      auto const value = trimmed(line.substr(equals + 1));
      if (name == "escape" && value.size() == 1) escape_ = value[0];
      auto const end = rest.find('\n');
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
  }

  std::string_view rest_;
  std::size_t number_ = 0;
  char escape_ = '\\';
};

Result<Instruction> read_instruction(Logical const& logical) {
  std::string_view rest = logical.text;
  auto const name = changed_case(take_word(rest), std::toupper);
  auto const known = std::ranges::find(kVerbs, name, &Known::name);
  if (known == kVerbs.end()) {
    return wrong(logical.line, "\"" + name.substr(0, 40) + "\" is no instruction");
  }
  Instruction instruction{.verb = known->verb, .line = logical.line, .flags = {}, .text = {}};
  while (rest.starts_with("--")) {
    auto const flag = take_word(rest).substr(2);
    auto const equals = flag.find('=');
    std::string const flag_name(flag.substr(0, equals));
    if (instruction.flags.contains(flag_name) && flag_name != "mount" && flag_name != "exclude") {
      return wrong(logical.line, "--" + flag_name.substr(0, 40) + " is given twice");
    }
    instruction.flags.emplace(flag_name,
                              equals == flag.npos ? "true" : std::string(flag.substr(equals + 1)));
  }
  instruction.text = rest;
  if (instruction.text.empty() && known->verb != Verb::Cmd && known->verb != Verb::Entrypoint) {
    return wrong(logical.line, name + " needs to be told what");
  }
  return instruction;
}

/// Reads the documents that an instruction announces, which are the lines behind it.
Result<> read_documents(Lines& lines, Instruction& instruction) {
  bool const may_have = instruction.verb == Verb::Run || instruction.verb == Verb::Copy ||
                        instruction.verb == Verb::Add;
  if (!may_have || !exec_form(instruction.text).empty()) return {};
  auto documents = announced_documents(instruction.text);
  for (auto& document : documents) {
    if (lines.read_document(document)) continue;
    return wrong(instruction.line, "the here-document " + document.name + " has no end");
  }
  if (instruction.verb != Verb::Run) {
    instruction.documents = std::move(documents);
    return {};
  }
  if (documents.size() == 1 && is_only_a_document(instruction.text)) {
    instruction.text = documents[0].content;
    if (!instruction.text.starts_with("#!")) return {};
    return wrong(instruction.line,
                 "a here-document with #! is not supported; RUN PROGRAM <<NAME is",
                 Errc::Unsupported);
  }
  // The shell reads them again, tabs and quotes done.
  for (auto const& document : documents) {
    instruction.text += "\n" + document.content + document.name;
  }
  if (!documents.empty()) instruction.text += '\n';
  return {};
}

/// What can be known of it before anything is done.
Result<> check_mounts(Instruction const& instruction) {
  auto const [first, last] = instruction.flags.equal_range("mount");
  for (auto flag = first; flag != last; ++flag) {
    if (flag->second.find('$') != std::string::npos) continue;
    auto const mount = parse_run_mount(flag->second);
    if (!mount) return wrong(instruction.line, mount.error().message, mount.error().code);
  }
  return {};
}

bool takes_flag(Verb verb, std::string_view flag) {
  switch (verb) {
    case Verb::From: return flag == "platform";
    case Verb::Copy:
      return flag == "from" || flag == "chown" || flag == "chmod" || flag == "link" ||
             flag == "exclude";
    case Verb::Add:
      return flag == "chown" || flag == "chmod" || flag == "link" || flag == "exclude" ||
             flag == "checksum";
    case Verb::Run: return flag == "mount";
    case Verb::Healthcheck:
      return flag == "interval" || flag == "timeout" || flag == "start-period" || flag == "retries";
    default: return false;
  }
}

Result<Stage> read_from(Instruction const& instruction) {
  std::string_view rest = instruction.text;
  Stage stage{.base = std::string(take_word(rest)),
              .name = {},
              .platform = {},
              .line = instruction.line,
              .instructions = {}};
  if (auto const found = instruction.flags.find("platform"); found != instruction.flags.end()) {
    stage.platform = found->second;
  }
  if (rest.empty()) return stage;
  auto const as = changed_case(take_word(rest), std::tolower);
  stage.name = changed_case(take_word(rest), std::tolower);
  if (as != "as" || stage.name.empty() || !rest.empty()) {
    return wrong(instruction.line, "expected FROM IMAGE [AS NAME]");
  }
  return stage;
}

}  // namespace

std::string Instruction::shown() const {
  auto const known = std::ranges::find(kVerbs, verb, &Known::verb);
  std::string text_of(known->name);
  for (auto const& [name, value] : flags) text_of += " --" + name + "=" + value;
  return text_of + (text.empty() ? "" : " " + text);
}

Result<Instruction> Dockerfile::parse_trigger(std::string_view text) {
  auto file = BH_TRY(parse("FROM scratch\n" + std::string(text)));
  bool const one = file.stages.size() == 1 && file.stages[0].instructions.size() == 1;
  if (!one || file.stages[0].instructions[0].verb == Verb::Onbuild ||
      file.stages[0].instructions[0].verb == Verb::Maintainer) {
    return wrong(2, "ONBUILD takes one instruction, and none of FROM, MAINTAINER and ONBUILD");
  }
  return std::move(file.stages[0].instructions[0]);
}

Result<Dockerfile> Dockerfile::parse(std::string_view text) {
  if (text.size() > kDocumentLimit) return fail(Errc::Invalid, "it is longer than 4 MiB");
  if (text.find('\0') != text.npos) return fail(Errc::Invalid, "it has zeros in it and is no text");
  Dockerfile file;
  Lines lines(text);
  for (std::size_t count = 0; auto const logical = lines.next(); ++count) {
    if (count == kMostInstructions) return wrong(logical->line, "too many instructions");
    auto instruction = BH_TRY(read_instruction(*logical));
    for (auto const& [flag, value] : instruction.flags) {
      if (takes_flag(instruction.verb, flag)) continue;
      return wrong(instruction.line, "--" + flag.substr(0, 40) + " is not supported there",
                   Errc::Unsupported);
    }
    BH_TRY(check_mounts(instruction));
    BH_TRY(read_documents(lines, instruction));
    if (instruction.verb == Verb::From) {
      auto stage = BH_TRY(read_from(instruction));
      file.stages.push_back(std::move(stage));
    } else if (!file.stages.empty()) {
      file.stages.back().instructions.push_back(std::move(instruction));
    } else if (instruction.verb == Verb::Arg) {
      file.arguments.push_back(std::move(instruction));
    } else {
      return wrong(instruction.line, "only ARG may stand before FROM");
    }
  }
  if (file.stages.empty()) return fail(Errc::Invalid, "it has no FROM");
  return file;
}

std::vector<std::string> exec_form(std::string_view text) {
  if (!text.starts_with('[')) return {};
  auto const object = parse_object("{\"words\":" + std::string(text) + "}");
  if (!object) return {};
  auto words = texts_member(*object, "words");
  return words ? std::move(*words) : std::vector<std::string>();
}

}  // namespace bh::image::build
