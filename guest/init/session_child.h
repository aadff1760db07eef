#pragma once

#include <sys/types.h>

#include "init/session.h"

namespace bh::init {

/// The command of a session and our ends of its standard files, which do not block; -1: none.
struct SessionChild {
  pid_t pid = -1;
  int input = -1;
  int output = -1;
  int error = -1;
  int terminal = -1;  // In the place of the three.
};

/// False, with the reason in errno, if it could not be started.
bool start_session_child(SessionCommand const& what, SessionChild& child);

void resize(SessionChild const& child, unsigned short rows, unsigned short columns);

}  // namespace bh::init
