#include "jail/number_list.h"

#include <charconv>
#include <string>

namespace bh::jail {

Result<> each_of_list(std::string_view list, unsigned limit,
                      std::function<void(unsigned)> const& take) {
  char const* at = list.data();
  char const* const end = at + list.size();
  auto const wrong = [&] {
    return fail(Errc::Invalid, "\"" + std::string(list) + "\" is no list such as 0-3,5 below " +
                                   std::to_string(limit));
  };
  while (at < end) {
    unsigned first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc()) return wrong();
    unsigned last = first;
    if (read.ptr < end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc()) return wrong();
    }
    if (last >= limit || last < first) return wrong();
    for (unsigned number = first; number <= last; ++number) take(number);
    if (read.ptr == end) return {};
    // A comma, and something behind it.
    if (*read.ptr != ',' || read.ptr + 1 == end) return wrong();
    at = read.ptr + 1;
  }
  return {};
}

}  // namespace bh::jail
