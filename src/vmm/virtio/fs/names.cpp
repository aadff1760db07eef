// Operations on the names of a folder: look up, make, rename, remove.
#include <unistd.h>

#include "vmm/virtio/fs/server.h"

namespace bh::vmm::virtio {

namespace {

// How long the guest may take what it was told for true: what the host changes it sees after that.
constexpr std::uint64_t kValidSeconds = 1;

}  // namespace

Outcome<fuse_entry_out> FsServer::enter(os::UniqueFd entry) {
  auto const info = BH_TRY(Folder::describe(entry.get()));
  fuse_entry_out answer{};
  answer.nodeid = BH_TRY(nodes_.add(std::move(entry), info));
  answer.entry_valid = kValidSeconds;
  answer.attr_valid = kValidSeconds;
  answer.attr = attributes(info);
  return answer;
}

Outcome<> FsServer::look_up(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const name = BH_TRY(request.string());
  auto entry = BH_TRY(folder_.find(parent, name));
  auto const answer = BH_TRY(enter(std::move(entry)));
  return request.reply(answer);
}

Outcome<> FsServer::read_link(FuseRequest& request) {
  int const entry = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const target = BH_TRY(folder_.read_link(entry));
  return request.reply_bytes(std::as_bytes(std::span(target)));
}

/// Whose a new entry shall be on the host. EPERM for users of the guest that the host has none for.
Outcome<FsServer::Owner> FsServer::owner_of_new(FuseRequest const& request, int parent) const {
  auto const uid = options_.users.to_host(request.header().uid);
  auto const gid = options_.groups.to_host(request.header().gid);
  if (!uid || !gid) return refuse(EPERM);
  auto const info = BH_TRY(Folder::describe(parent));
  // A set-group-ID folder passes its group on, which the host has done already.
  bool const inherits = (info.st_mode & S_ISGID) != 0;
  return Owner{*uid, inherits ? static_cast<gid_t>(-1) : *gid};
}

Outcome<os::UniqueFd> FsServer::find_owned(int parent, std::string const& name, Owner owner) const {
  auto entry = BH_TRY(folder_.find(parent, name));
  auto const changed = folder_.change_owner(entry.get(), owner.uid, owner.gid);
  // Without the right to give files away, this process's user owns what the guest makes.
  if (!changed && changed.error() != EPERM) return refuse(changed.error());
  return entry;
}

Outcome<> FsServer::reply_made(FuseRequest& request, int parent, std::string const& name,
                               Owner owner) {
  auto entry = BH_TRY(find_owned(parent, name, owner));
  auto const answer = BH_TRY(enter(std::move(entry)));
  return request.reply(answer);
}

Outcome<> FsServer::make_link(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const strings = BH_TRY(request.strings(2));
  auto const owner = BH_TRY(owner_of_new(request, parent));
  BH_TRY(folder_.make_link(parent, strings[0], strings[1]));
  return reply_made(request, parent, strings[0], owner);
}

Outcome<> FsServer::make_node(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const wanted = BH_TRY(request.arguments<fuse_mknod_in>());
  auto const name = BH_TRY(request.string());
  auto const owner = BH_TRY(owner_of_new(request, parent));
  BH_TRY(folder_.make_node(parent, name, wanted.mode));
  return reply_made(request, parent, name, owner);
}

Outcome<> FsServer::make_folder(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const wanted = BH_TRY(request.arguments<fuse_mkdir_in>());
  auto const name = BH_TRY(request.string());
  auto const owner = BH_TRY(owner_of_new(request, parent));
  BH_TRY(folder_.make_folder(parent, name, wanted.mode));
  return reply_made(request, parent, name, owner);
}

Outcome<> FsServer::remove_file(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const name = BH_TRY(request.string());
  return folder_.remove(parent, name, Folder::Kind::File);
}

Outcome<> FsServer::remove_folder(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const name = BH_TRY(request.string());
  return folder_.remove(parent, name, Folder::Kind::Folder);
}

Outcome<> FsServer::rename_to(FuseRequest& request, std::uint64_t folder, unsigned flags) {
  int const from = BH_TRY(nodes_.descriptor(request.header().nodeid));
  int const to = BH_TRY(nodes_.descriptor(folder));
  auto const names = BH_TRY(request.strings(2));
  return folder_.rename({from, names[0]}, {to, names[1]}, flags);
}

Outcome<> FsServer::rename(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_rename_in>());
  return rename_to(request, wanted.newdir, 0);
}

Outcome<> FsServer::rename_with_flags(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_rename2_in>());
  return rename_to(request, wanted.newdir, wanted.flags);
}

Outcome<> FsServer::add_name(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_link_in>());
  int const entry = BH_TRY(nodes_.descriptor(wanted.oldnodeid));
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const name = BH_TRY(request.string());
  BH_TRY(folder_.add_name(entry, parent, name));
  auto made = BH_TRY(folder_.find(parent, name));
  auto const answer = BH_TRY(enter(std::move(made)));
  return request.reply(answer);
}

Outcome<> FsServer::create(FuseRequest& request) {
  int const parent = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const wanted = BH_TRY(request.arguments<fuse_create_in>());
  auto const name = BH_TRY(request.string());
  auto const owner = BH_TRY(owner_of_new(request, parent));
  auto const flags = static_cast<int>(wanted.flags);
  auto file = folder_.make_file(parent, name, flags, wanted.mode);
  bool const there = !file && file.error() == EEXIST && (flags & O_EXCL) == 0;
  if (!file && !there) return refuse(file.error());
  Outcome<os::UniqueFd> entry =
      there ? folder_.find(parent, name) : find_owned(parent, name, owner);
  if (!entry) return refuse(entry.error());
  if (there) file = folder_.open_for_io(entry->get(), flags);
  if (!file) return refuse(file.error());
  fuse_open_out opened{};
  opened.fh = BH_TRY(handles_.add(*std::move(file)));
  auto const answer = enter(*std::move(entry));
  if (!answer) {
    handles_.close(opened.fh);
    return refuse(answer.error());
  }
  BH_TRY(request.reply(*answer));
  return request.reply(opened);
}

}  // namespace bh::vmm::virtio
