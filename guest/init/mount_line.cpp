#include "init/mount_line.h"

namespace bh::init {

namespace {

/// Takes what is before the next ':' from `text`.
bool take_part(std::string_view& text, std::string_view& out) {
  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  out = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  return true;
}

}  // namespace

bool parse_mount_line(std::string_view text, MountLine& out) {
  std::string_view access;
  bool const whole = take_part(text, out.type) && take_part(text, out.source) &&
                     take_part(text, access) && take_part(text, out.options);
  out.read_only = access == "ro";
  out.path = text;
  return whole && !out.type.empty() && (out.read_only || access == "rw") && text.starts_with('/');
}

}  // namespace bh::init
