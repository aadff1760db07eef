#pragma once

#include <string_view>

namespace bh::init {

/// Says on the console (file descriptor 2) that `action` on `object` failed, with the words for
/// `error_number`: "bulkhead-init: mount /proc: No such device". Async-signal-safe.
void report_errno(std::string_view action, std::string_view object, int error_number);

/// Says on the console what is wrong with `object`. Async-signal-safe.
void report(std::string_view object, std::string_view problem);

}  // namespace bh::init
