#include "cli/image_options.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "image/reference.h"

namespace bh::cli {

Result<image::Store> open_store(Options const& options) {
  auto const root = options.value("--root");
  return image::Store::open(root.empty() ? image::Store::default_root() : std::string(root));
}

Result<image::Platform> platform_of(Options const& options) {
  if (!options.has("--platform")) return image::Platform::host();
  return image::Platform::parse(options.value("--platform"));
}

Result<std::string> name_to_give(std::string_view word) {
  auto const reference = BH_TRY(image::Reference::parse(word));
  if (reference.digest) {
    return fail(Errc::Invalid,
                "\"" + std::string(word) +
                    "\" has a digest, which is what an image is and no name to give");
  }
  return reference.text();
}

Result<> need_words(Options const& options, std::size_t least, std::size_t most,
                    std::string_view what) {
  auto const count = options.words().size();
  if (count < least) return fail(Errc::Invalid, fmt::format("{} expected", what));
  if (count > most) return fail(Errc::Invalid, fmt::format("only {} expected", what));
  return {};
}

std::string docker_size(std::uint64_t bytes) {
  constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1000 && unit + 1 < kUnits.size()) {
    size /= 1000;
    ++unit;
  }
  return fmt::format("{:.3g}{}", size, kUnits[unit]);
}

std::string age_of(std::string_view created) {
  std::tm parts{};
  if (::strptime(std::string(created).c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return "N/A";
  auto const seconds = std::time(nullptr) - ::timegm(&parts);
  struct Unit {
    std::time_t seconds;
    char const* name;
  };
  constexpr std::array kUnits{Unit{365 * 86400, "year"}, Unit{30 * 86400, "month"},
                              Unit{7 * 86400, "week"},   Unit{86400, "day"},
                              Unit{3600, "hour"},        Unit{60, "minute"}};
  for (auto const& unit : kUnits) {
    auto const count = seconds / unit.seconds;
    // "13 days" says more than "1 week".
    if (count >= 2 || (count == 1 && unit.seconds <= 86400)) {
      return fmt::format("{} {}{} ago", count, unit.name, count == 1 ? "" : "s");
    }
  }
  return seconds < 0 ? "in the future" : "less than a minute ago";
}

std::string shown_name(image::NamedImage const& image) {
  auto const reference = image::Reference::parse(image.name);
  return reference ? reference->familiar() : image.manifest.digest.text();
}

}  // namespace bh::cli
