#include "vmm/virtio/fs/request.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace bh::vmm::virtio {

Outcome<std::vector<std::string>> FuseRequest::strings(std::size_t count) {
  if (input_.left() > kMaxStrings) return refuse(ENAMETOOLONG);
  std::string text(input_.left(), '\0');
  input_.read(std::as_writable_bytes(std::span(text)));
  std::vector<std::string> strings;
  std::string_view rest = text;
  for (std::size_t i = 0; i < count; ++i) {
    auto const end = rest.find('\0');
    if (end == std::string_view::npos) return refuse(EINVAL);
    strings.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return strings;
}

Outcome<std::vector<Segment>> FuseRequest::bytes_in(std::uint32_t size) {
  if (size > input_.left()) return refuse(EINVAL);
  std::vector<Segment> parts;
  input_.take(size, parts);
  return parts;
}

std::vector<Segment> FuseRequest::bytes_out(std::uint32_t size) {
  std::vector<Segment> parts;
  output_.take(std::min(size, output_.left()), parts);
  return parts;
}

void FuseRequest::written(std::span<Segment const> room, std::uint32_t size) {
  payload_ += size;
  for (auto const& part : room) {
    auto const here = std::min<std::uint64_t>(size, part.bytes.size());
    memory_.note_write(part.address, here);
    size -= static_cast<std::uint32_t>(here);
  }
}

Outcome<> FuseRequest::reply_bytes(std::span<std::byte const> bytes) {
  if (bytes.size() > output_.left()) return refuse(EMSGSIZE);
  payload_ += static_cast<std::uint32_t>(output_.write(bytes));
  return {};
}

std::uint32_t FuseRequest::finish(Outcome<> const& outcome) {
  if (head_.left() < sizeof(fuse_out_header)) return 0;
  fuse_out_header const header{
      .len = static_cast<std::uint32_t>(sizeof header + (outcome ? payload_ : 0)),
      .error = outcome ? 0 : -outcome.error(),
      .unique = header_.unique};
  head_.write_object(header);
  return header.len;
}

}  // namespace bh::vmm::virtio
