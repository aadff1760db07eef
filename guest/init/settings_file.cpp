#include <cerrno>

#include "init/file.h"
#include "init/report.h"
#include "init/settings.h"

namespace bh::init {

namespace {

constexpr char const* kFile = "/.bulkhead/machine";

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

}  // namespace bh::init
