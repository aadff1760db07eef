#include "init/settings.h"

#include <cerrno>
#include <cstdlib>

#include "init/file.h"
#include "init/report.h"

namespace bh::init {

namespace {

constexpr char const* kFile = "/.bulkhead/machine";
constexpr std::string_view kEnvironment = "env";

bool has_key(std::string_view line, std::string_view key) {
  return line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=';
}

}  // namespace

bool Settings::read() {
  auto const file = read_file(kFile);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return true;
    report_errno("read", kFile, errno);
    return false;
  }
  auto const error = parse(*file);
  if (error == ParseError::None) return true;
  report(kFile, to_string(error));
  return false;
}

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

void Settings::set_environment() const {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (has_key(lines_[i], kEnvironment)) ::putenv(lines_.argv()[i] + kEnvironment.size() + 1);
  }
}

}  // namespace bh::init
