#include "init/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace bh::init {

namespace {

constexpr unsigned kDrainSeconds = 5;

void interrupt(int /*signal*/) {}

}  // namespace

void open_console() {
  int fd = ::open("/dev/console", O_RDWR | O_NOCTTY);
  if (fd < 0) fd = ::open("/dev/null", O_RDWR);
  if (fd < 0) return;
  for (int const target : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(fd, target);
  if (fd > STDERR_FILENO) ::close(fd);
}

void take_terminal() {
  // /dev/null refuses, and a program without a terminal is still worth running.
  ::ioctl(STDIN_FILENO, TIOCSCTTY, 1);
  // This process will drain the terminal from the background.
  ::signal(SIGTTOU, SIG_IGN);
}

void come_to_foreground() {
  ::setpgid(0, 0);
  ::tcsetpgrp(STDIN_FILENO, ::getpid());
  ::signal(SIGTTOU, SIG_DFL);
}

void drain_console() {
  // A handler, not SIG_IGN, so that the alarm interrupts tcdrain(): a serial line whose other end
  // is stuck must not keep the machine from ending.
  struct sigaction action{};
  action.sa_handler = interrupt;
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(kDrainSeconds);
  ::tcdrain(STDOUT_FILENO);
  ::alarm(0);
}

}  // namespace bh::init
