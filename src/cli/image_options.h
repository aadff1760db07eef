#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/command.h"
#include "image/image.h"
#include "image/platform.h"
#include "image/store.h"

namespace bh::cli {

// What commands of `image` share.

inline constexpr Option kRootOption{"--root", "DIR",
                                    "Where images are kept, instead of the usual place"};
inline constexpr Option kPlatformOption{"--platform", "OS/ARCH",
                                        "Of an image for several, instead of this machine's"};
inline constexpr Option kJsonOption{"--json", "", "As JSON"};

Result<image::Store> open_store(Options const& options);
Result<image::Platform> platform_of(Options const& options);

/// The reference `word`; Errc::Invalid also for one with a digest, which no image can be given.
Result<std::string> name_to_give(std::string_view word);

/// At least `least` words; `what` they are.
Result<> need_words(Options const& options, std::size_t least, std::size_t most,
                    std::string_view what);

/// "117MB", "3.57kB", as docker writes sizes.
std::string docker_size(std::uint64_t bytes);
/// "3 days ago", of RFC 3339 text; "N/A" of what is none.
std::string age_of(std::string_view created);

/// How a person sees an image's name: its short form, or its id.
std::string shown_name(image::NamedImage const& image);

}  // namespace bh::cli
