// Carries a greeting over vsock: `vsock_probe call PORT` in a guest, and `vsock_probe serve PATH` on
// the host's side, where the monitor connects to the Unix socket PATH.
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kBytes = 300000 };
static char sent[kBytes];
static char got[kBytes];

static int whole(ssize_t (*step)(int, void*, size_t), int fd, char* bytes) {
  size_t done = 0;
  while (done < kBytes) {
    ssize_t const count = step(fd, bytes + done, kBytes - done);
    if (count <= 0) return 0;
    done += (size_t)count;
  }
  return 1;
}

static ssize_t put(int fd, void* bytes, size_t size) { return write(fd, bytes, size); }

/// Sends what is expected, and takes it back with every bit inverted.
static int call(unsigned port) {
  struct sockaddr_vm const host = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = port};
  int const fd = socket(AF_VSOCK, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr const*)&host, sizeof host) != 0) return 1;
  for (int i = 0; i < kBytes; ++i) sent[i] = (char)(i * 7 + i / 256);
  if (!whole(put, fd, sent) || !whole(read, fd, got)) return 2;
  for (int i = 0; i < kBytes; ++i) {
    if (got[i] != (char)~sent[i]) return 3;
  }
  puts("the host answered over vsock");
  return 0;
}

static int serve(char const* path) {
  struct sockaddr_un place = {.sun_family = AF_UNIX};
  strncpy(place.sun_path, path, sizeof place.sun_path - 1);
  int const listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&place, sizeof place) != 0 || listen(listener, 1) != 0) return 1;
  if (fork() != 0) return 0;
  int const fd = accept(listener, NULL, NULL);
  if (!whole(read, fd, got)) return 2;
  for (int i = 0; i < kBytes; ++i) got[i] = (char)~got[i];
  return whole(put, fd, got) ? 0 : 3;
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  return strcmp(argv[1], "call") == 0 ? call((unsigned)atoi(argv[2])) : serve(argv[2]);
}
