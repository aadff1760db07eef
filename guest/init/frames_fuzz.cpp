// Frames as the host sends them, and the request in the first of them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "init/exec_request.h"
#include "init/frames.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::init;
  static FrameBuffer buffer;
  static ExecRequest request;
  buffer = FrameBuffer();
  std::size_t fed = 0;
  while (fed < size && !buffer.broken()) {
    auto const count = std::min(size - fed, buffer.free_bytes());
    std::memcpy(buffer.free_space(), data + fed, count);
    buffer.added(count);
    fed += count;
    bool any = false;
    while (auto const frame = buffer.frame()) {
      any = true;
      (void)parse_size(frame->payload);
      (void)parse_size_text(frame->payload);
      request.clear();
      bool const good = request.parse(frame->payload);
      bool const own = request.settings().find("copy") || request.settings().find("probe");
      if (good && request.command().size() == 0 && !own) std::abort();
      buffer.drop_frame();
    }
    // A full buffer has a frame in it, or the session would stand still.
    if (!any && buffer.free_bytes() == 0 && !buffer.broken()) std::abort();
  }
  return 0;
}
