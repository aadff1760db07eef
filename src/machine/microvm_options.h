#pragma once

#include <optional>
#include <string>

namespace bh::machine {

/// How a microVM is started, beyond what it is.
struct MicrovmOptions {
  std::string kernel;
  std::optional<std::string> initrd;  // In front of what the provider adds.
  std::string init;                   // The program bulkhead-init; empty: looked for.
  std::string engine = "auto";
  std::string translate = "on";
  std::string code_cache;  // A file; empty: none.
  std::string append;      // More words for the kernel's command line.
};

}  // namespace bh::machine
