#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "init/arguments.h"

namespace {

using Parser = bh::init::ParseError (*)(std::string_view, bh::init::Arguments&);

/// Words that were accepted must be whole, end with NUL and be followed by a null pointer.
void check(Parser parser, std::string_view text) {
  auto const arguments = std::make_unique<bh::init::Arguments>();
  if (parser(text, *arguments) != bh::init::ParseError::None) return;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < arguments->size(); ++i) bytes += (*arguments)[i].size() + 1;
  bool const first_is_empty = arguments->size() == 0 || (*arguments)[0].empty();
  if (first_is_empty || bytes > bh::init::Arguments::kMaxBytes ||
      arguments->argv()[arguments->size()] != nullptr) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  check(bh::init::parse_nul_separated, text);
  check(bh::init::parse_percent_encoded, text);
  auto const value = bh::init::find_parameter(text, "bulkhead.run");
  if (value) check(bh::init::parse_percent_encoded, *value);
  return 0;
}
