#include "machine/copy/request.h"

#include "image/build/root_path.h"
#include "image/json.h"
#include "machine/wire/protocol.h"

namespace bh::machine {

namespace {

bool is_set(boost::json::object const& json, std::string_view name) {
  auto const* const value = json.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

boost::json::object CopyRequest::json() const {
  return {{"out", out},   {"path", path},       {"follow", follow},
          {"name", name}, {"content", content}, {"archive", archive}};
}

Result<CopyRequest> CopyRequest::parse(boost::json::object const& json) {
  CopyRequest request;
  request.out = is_set(json, "out");
  request.path = BH_TRY(image::text_member(json, "path"));
  request.follow = is_set(json, "follow");
  request.name = BH_TRY(image::text_member(json, "name"));
  request.content = is_set(json, "content");
  request.archive = is_set(json, "archive");
  // What the kernel takes of one path and of one name.
  constexpr std::size_t kLongestPath = 4095;
  constexpr std::size_t kLongestName = 255;
  bool const good = !request.path.empty() && request.path.size() <= kLongestPath &&
                    request.name.size() <= kLongestName &&
                    request.path.find('\0') == std::string::npos &&
                    request.name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  if (!good) return fail(Errc::Invalid, "copy \"" + request.path + "\": no path that Linux takes");
  return request;
}

std::string CopyRequest::for_guest() const {
  std::string text;
  auto const add = [&text](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).push_back('\0');
  };
  add("copy", out ? "out" : "in");
  add("path", path);
  if (!name.empty()) add("name", name);
  if (follow) add("follow", "1");
  if (content) add("content", "1");
  if (archive) add("archive", "1");
  if (!out) add("input", "1");
  return text;
}

LastName last_name_of(std::string_view path) {
  bool const dot = path == "." || path.ends_with("/.");
  auto const whole = image::build::absolute_path("/", path);
  auto const name = whole.substr(whole.rfind('/') + 1);
  return {.name = name, .content = dot || name.empty()};
}

}  // namespace bh::machine
