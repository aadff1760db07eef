#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "jail/systemd/dbus.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  auto const message = bh::jail::parse_dbus_message(bytes);
  if (!message) return 0;
  if (message->body.size() > size) std::abort();
  bh::jail::DbusReader reader(message->body);
  while (reader.good()) (void)reader.text();
  return 0;
}
