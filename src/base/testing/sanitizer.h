#pragma once

#include <gtest/gtest.h>

namespace bh::testing_support {

/// Which sanitizer this program is built with, or "".
inline constexpr char const* kSanitizer =
#if defined(__SANITIZE_ADDRESS__)
    "AddressSanitizer";
#elif defined(__SANITIZE_THREAD__)
    "ThreadSanitizer";
#else
    "";
#endif

}  // namespace bh::testing_support

/// First statement of a test that cannot run under a sanitizer, saying why: code made at run time,
/// signal handlers of our own, address ranges the sanitizer keeps for itself. The result summary
/// prints the reason.
#define BH_SKIP_UNDER_SANITIZER(why)              \
  if (*::bh::testing_support::kSanitizer != '\0') \
  GTEST_SKIP() << "not under " << ::bh::testing_support::kSanitizer << ": " << why
