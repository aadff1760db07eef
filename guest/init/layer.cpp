#include "init/layer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "init/report.h"
#include "init/tar_output.h"
#include "init/tar_tree.h"
#include "init/vsock.h"

namespace bh::init {

namespace {

// Too large for a stack that nobody has grown yet.
TarOutput tar;
TarTree tree(tar, TreeKind::Layer);

bool failed_to(char const* what) {
  report_errno(what, "the layer", errno);
  return false;
}

}  // namespace

bool send_layer(Settings const& settings, int written) {
  auto const port = settings.number("layer");
  if (port == 0) return true;
  int const socket = connect_to_host(port);
  // As it is ours alone, it may block.
  if (socket < 0 || ::fcntl(socket, F_SETFL, 0) != 0) return failed_to("connect to the host for");
  int const folder = ::openat(written, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failed_to("open");
  tar.open(socket);
  if (!tree.put_folder(folder) || !tar.end()) return false;
  char done = 0;
  if (::shutdown(socket, SHUT_WR) != 0 || ::read(socket, &done, 1) != 1) return failed_to("send");
  return true;
}

}  // namespace bh::init
