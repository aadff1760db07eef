#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>

namespace bh::vmm::boot {

/// A file with the given bytes that goes away with this object.
class ScratchFile {
 public:
  explicit ScratchFile(std::span<std::byte const> bytes) {
    int const fd = ::mkstemp(path_.data());
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
    ::close(fd);
  }
  ScratchFile(ScratchFile const&) = delete;
  ScratchFile& operator=(ScratchFile const&) = delete;
  ~ScratchFile() { ::unlink(path_.c_str()); }

  std::string const& path() const { return path_; }

 private:
  std::string path_ = "/tmp/bulkhead-boot-XXXXXX";
};

}  // namespace bh::vmm::boot
