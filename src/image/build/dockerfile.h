#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/build/here_document.h"

namespace bh::image::build {

enum class Verb : std::uint8_t {
  Add,
  Arg,
  Cmd,
  Copy,
  Entrypoint,
  Env,
  Expose,
  From,
  Healthcheck,
  Label,
  Maintainer,
  Onbuild,
  Run,
  Shell,
  Stopsignal,
  User,
  Volume,
  Workdir,
};

/// One instruction, its continued lines joined, without its variables expanded.
struct Instruction {
  Verb verb;
  std::size_t line;  // Where it starts, from 1.
  // "from" of --from=base; some may be there often.
  std::multimap<std::string, std::string> flags;
  std::string text;  // What follows the flags; of RUN with here-documents a script.
  std::vector<HereDocument> documents;  // Of COPY and ADD.

  /// "RUN apt-get update": as history and the cache know it.
  std::string shown() const;
};

/// FROM and what follows it.
struct Stage {
  std::string base;      // An image's name, another stage's, or "scratch"; not expanded.
  std::string name;      // In lower case; empty if it has none.
  std::string platform;  // Not expanded.
  std::size_t line;
  std::vector<Instruction> instructions;
};

struct Dockerfile {
  std::vector<Instruction> arguments;  // ARG before the first FROM.
  std::vector<Stage> stages;           // At least one.

  /// Docker's Dockerfile reference; errors say the line. What we do not have of it is
  /// Errc::Unsupported.
  static Result<Dockerfile> parse(std::string_view text);

  /// What an image's ONBUILD says, which is done first in a stage from that image. Its line is 2.
  static Result<Instruction> parse_trigger(std::string_view text);
};

/// The words of a JSON array of strings; nothing if `text` is none, and so is for the shell.
std::vector<std::string> exec_form(std::string_view text);

}  // namespace bh::image::build
