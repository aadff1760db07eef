#include "init/hard_links.h"

#include <algorithm>

namespace bh::init {

std::string_view HardLinks::find_or_add(std::uint64_t inode, std::string_view path) {
  auto* const end = links_.begin() + count_;
  auto const* const found =
      std::find_if(links_.begin(), end, [&](Link const& link) { return link.inode == inode; });
  if (found != end) return {paths_.data() + found->start, found->size};
  if (count_ == links_.size() || paths_.size() - used_ < path.size()) return {};
  std::ranges::copy(path, paths_.begin() + used_);
  links_[count_++] = {.inode = inode,
                      .start = static_cast<std::uint32_t>(used_),
                      .size = static_cast<std::uint32_t>(path.size())};
  used_ += path.size();
  return {};
}

}  // namespace bh::init
