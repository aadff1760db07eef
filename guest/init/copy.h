#pragma once

#include "init/settings.h"

namespace bh::init {

/// Carries files between this machine and the tar on standard input or output:
///
///   copy     out or in
///   path     of the file or folder, from the root
///   follow   out: if that is a symbolic link, what it leads to
///   name     in: what the source is called there
///   content  in: only what is in the source
///   archive  in: the tar's names are those in the folder `path`
///
/// The tar is as machine/copy/request.h has it. Returns the exit status, having said on standard
/// error what failed. In a process of its own.
int copy_files(Settings const& settings);

}  // namespace bh::init
