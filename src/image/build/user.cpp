#include "image/build/user.h"

#include <fcntl.h>

#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "image/build/root_path.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

constexpr std::size_t kLongestFile = std::size_t{4} << 20;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  auto const [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return value;
}

/// The fields of the line whose first is `name`, or whose third is.
std::vector<std::string> line_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto const end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    std::vector<std::string> fields;
    while (true) {
      auto const colon = line.find(':');
      fields.emplace_back(line.substr(0, colon));
      if (colon == line.npos) break;
      line.remove_prefix(colon + 1);
    }
    if (fields.size() >= 4 && (fields[0] == name || fields[2] == name)) return fields;
  }
  return {};
}

std::string file_text(int root, char const* path) {
  auto const file = open_in_root(root, path, O_RDONLY | O_NONBLOCK);
  if (!file) return {};
  return os::read_text(*file, kLongestFile).value_or("");
}

std::unexpected<Error> unknown(std::string_view what, char const* file) {
  return fail(Errc::NotFound, "\"" + std::string(what) + "\" is not in the image's " +
                                  std::string(file) + " (say a number, or a name that is there)");
}

}  // namespace

Result<User> find_user(int root, std::string_view text) {
  auto const colon = text.find(':');
  auto const name = text.substr(0, colon);
  User user;
  auto const line = line_of(file_text(root, "/etc/passwd"), name);
  auto const uid = number(line.empty() ? name : std::string_view(line[2]));
  if (!uid) return unknown(name, "/etc/passwd");
  user.uid = *uid;
  if (!line.empty()) user.gid = number(line[3]).value_or(0);
  if (colon == text.npos) return user;

  auto const group = text.substr(colon + 1);
  auto const group_line = line_of(file_text(root, "/etc/group"), group);
  auto const gid = number(group_line.empty() ? group : std::string_view(group_line[2]));
  if (!gid) return unknown(group, "/etc/group");
  user.gid = *gid;
  return user;
}

}  // namespace bh::image::build
