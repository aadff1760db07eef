#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "container/spec/spec.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const spec = bh::container::parse_spec(text);
  // What is accepted must be what the launch relies on.
  if (spec && spec->process && spec->process->arguments.empty()) std::abort();
  if (spec && spec->root_path.empty()) std::abort();
  (void)bh::container::parse_process(text);
  (void)bh::container::parse_resources(text);
  return 0;
}
