#include "init/folders.h"

#include <sys/stat.h>

#include <array>
#include <climits>

namespace bh::init {

void make_folders(std::string_view path) {
  constexpr mode_t kFolderMode = 0755;
  std::array<char, PATH_MAX> text{};
  if (path.size() >= text.size()) return;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i != 0 && (i == path.size() || path[i] == '/')) ::mkdir(text.data(), kFolderMode);
    if (i != path.size()) text[i] = path[i];
  }
}

}  // namespace bh::init
