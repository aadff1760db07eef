#include "init/settings.h"

#include <charconv>
#include <cstdlib>

namespace bh::init {

namespace {

constexpr std::string_view kEnvironment = "env";

bool has_key(std::string_view line, std::string_view key) {
  return line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=';
}

}  // namespace

char const* Settings::find_text(std::string_view key) const {
  for (std::size_t i = lines_.size(); i-- > 0;) {
    if (has_key(lines_[i], key)) return lines_.argv()[i] + key.size() + 1;
  }
  return nullptr;
}

std::optional<std::string_view> Settings::find(std::string_view key) const {
  auto const* const text = find_text(key);
  if (text == nullptr) return std::nullopt;
  return text;
}

std::uint32_t Settings::number(std::string_view key) const {
  auto const text = find(key).value_or("");
  std::uint32_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

bool Settings::collect(std::string_view key, Arguments& out) const {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (!has_key(lines_[i], key)) continue;
    for (char const letter : lines_[i].substr(key.size() + 1)) {
      if (!out.append(letter)) return false;
    }
    if (!out.end_word()) return false;
  }
  return true;
}

void Settings::set_environment() const {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (has_key(lines_[i], kEnvironment)) ::putenv(lines_.argv()[i] + kEnvironment.size() + 1);
  }
}

}  // namespace bh::init
