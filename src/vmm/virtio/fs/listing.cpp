// The contents of folders.
#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vmm/virtio/fs/server.h"

namespace bh::vmm::virtio {

namespace {

// The guest's name for "an inode number nobody knows".
constexpr std::uint64_t kUnknownInode = 0xffffffff;

std::uint32_t padded(std::size_t size) {
  return static_cast<std::uint32_t>((size + 7) / 8 * 8);
}

/// A fuse_dirent with its name, to multiples of 8 bytes.
std::vector<std::byte> pack(std::uint64_t inode, std::uint64_t next, std::uint32_t type,
                            std::string const& name) {
  fuse_dirent const entry{
      .ino = inode, .off = next, .namelen = static_cast<std::uint32_t>(name.size()), .type = type};
  std::vector<std::byte> bytes(padded(FUSE_NAME_OFFSET + name.size()));
  std::memcpy(bytes.data(), &entry, FUSE_NAME_OFFSET);
  std::memcpy(bytes.data() + FUSE_NAME_OFFSET, name.data(), name.size());
  return bytes;
}

}  // namespace

bool FsServer::reply_entry(FuseRequest& request, Entry const& entry, std::uint32_t& room) {
  auto const bytes = pack(entry.inode, entry.next, entry.type, entry.name);
  if (bytes.size() > room || !request.reply_bytes(bytes)) return false;
  room -= static_cast<std::uint32_t>(bytes.size());
  return true;
}

bool FsServer::reply_entry_with_attributes(FuseRequest& request, int folder, Entry const& entry,
                                           std::uint32_t& room) {
  auto const needed = sizeof(fuse_entry_out) + padded(FUSE_NAME_OFFSET + entry.name.size());
  if (needed > room || needed > request.room()) return false;
  // Node 0: the guest looks it up by itself if it wants to. So do entries we cannot give, and the
  // two that it knows already.
  fuse_entry_out known{};
  if (entry.name != "." && entry.name != "..") {
    if (auto found = folder_.find(folder, entry.name)) {
      known = enter(*std::move(found)).value_or(fuse_entry_out{});
    }
  }
  if (!request.reply(known)) return false;
  room -= sizeof known;
  return reply_entry(request, entry, room);
}

Outcome<> FsServer::list(FuseRequest& request, Detail detail) {
  auto const wanted = BH_TRY(request.arguments<fuse_read_in>());
  int const folder = BH_TRY(handles_.descriptor(wanted.fh));
  if (::lseek(folder, static_cast<off_t>(wanted.offset), SEEK_SET) < 0) return refuse(errno);
  std::uint32_t room = std::min(wanted.size, request.room());
  alignas(dirent64) std::array<char, 16 * 1024> buffer;
  while (true) {
    ssize_t const count = ::getdents64(folder, buffer.data(), buffer.size());
    if (count < 0) return refuse(errno);
    if (count == 0) return {};
    for (ssize_t at = 0; at < count;) {
      auto const* const next = reinterpret_cast<dirent64 const*>(buffer.data() + at);
      at += next->d_reclen;
      Entry entry{next->d_ino, static_cast<std::uint64_t>(next->d_off), next->d_type, next->d_name};
      // What lies above the folder is nobody's business.
      if (entry.name == "..") entry.inode = kUnknownInode;
      bool const fits = detail == Detail::Names
                            ? reply_entry(request, entry, room)
                            : reply_entry_with_attributes(request, folder, entry, room);
      if (!fits) return {};
    }
  }
}

Outcome<> FsServer::list(FuseRequest& request) {
  return list(request, Detail::Names);
}

Outcome<> FsServer::list_with_attributes(FuseRequest& request) {
  return list(request, Detail::Attributes);
}

}  // namespace bh::vmm::virtio
