#include "init/copy_out.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "init/report.h"
#include "init/tar_output.h"
#include "init/tar_tree.h"

namespace bh::init {

namespace {

// Too large for a stack that nobody has grown yet.
TarOutput tar;

TarTree tree(tar, TreeKind::Files);

bool send_root(char const* from, bool follow) {
  int const what = ::open(from, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  struct stat info{};
  if (what < 0 || ::fstat(what, &info) != 0) {
    report_errno("open", from, errno);
    return false;
  }
  if (S_ISDIR(info.st_mode)) {
    int const folder = ::openat(what, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) return tree.put_folder(folder);
    report_errno("open", from, errno);
    return false;
  }
  constexpr std::string_view kRoot = "file";
  if (S_ISLNK(info.st_mode)) return tree.put_link(what, "", info, kRoot);
  if (!S_ISREG(info.st_mode)) {
    report(from, "is neither a file nor a folder nor a symbolic link");
    return false;
  }
  int const file = ::open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  if (file < 0 || ::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    report_errno("open", from, errno);
    return false;
  }
  return tar.describe(info, TarEntry::kFile, kRoot) && tar.put_header() &&
         tar.put_content(file, from);
}

}  // namespace

bool copy_out(char const* from, bool follow) {
  tar.open(STDOUT_FILENO);
  std::string_view const text(from);
  bool const folder = text.ends_with('/') || text.ends_with("/.");
  return send_root(from, follow || folder) && tar.end();
}

}  // namespace bh::init
