#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "image/build/dockerfile.h"
#include "image/build/ignore.h"
#include "image/build/variables.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::image::build;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  (void)Ignore::parse(text).leaves_out("a/b/c.d");
  auto const file = Dockerfile::parse(text);
  if (!file) return 0;
  if (file->stages.empty()) std::abort();
  Variables const variables{{"A", "a"}};
  for (auto const& stage : file->stages) {
    for (auto const& instruction : stage.instructions) {
      if (instruction.line == 0 || instruction.shown().empty()) std::abort();
      auto const words = expanded(instruction.text, variables);
      if (words) (void)shell_words(*words);
      (void)exec_form(instruction.text);
    }
  }
  return 0;
}
