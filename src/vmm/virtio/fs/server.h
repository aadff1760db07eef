#pragma once

#include <linux/fuse.h>

#include <cstdint>
#include <string>
#include <utility>

#include "vmm/virtio/fs/folder.h"
#include "vmm/virtio/fs/handles.h"
#include "vmm/virtio/fs/id_map.h"
#include "vmm/virtio/fs/metrics.h"
#include "vmm/virtio/fs/nodes.h"
#include "vmm/virtio/fs/request.h"

namespace bh::vmm::virtio {

/// Answers FUSE (protocol 7.31, linux/fuse.h) out of one folder of the host.
///
/// The guest's kernel decides who of its users may do what, by the modes and owners it is told; on
/// the host everything happens as the user this process runs as. One thread uses it.
class FsServer {
 public:
  // Open files beyond the entries known; a guest's programs have at most 1,024 each by default.
  static constexpr std::size_t kMaxHandles = 2048;

  struct Options {
    IdMap users;
    IdMap groups;
    std::size_t max_nodes;
  };

  FsServer(Folder folder, Options options, FsMetrics& metrics)
      : folder_(std::move(folder)),
        options_(std::move(options)),
        metrics_(metrics),
        nodes_(folder_.root(), options_.max_nodes),
        handles_(kMaxHandles) {}
  FsServer(FsServer const&) = delete;

  /// Answers one request and returns how many bytes were written to the chain.
  std::uint32_t answer(GuestMemory& memory, Chain const& chain);
  /// Forgets everything the guest has looked up or opened.
  void reset();

 private:
  using Handler = Outcome<> (FsServer::*)(FuseRequest&);
  struct Operation;
  static Operation const* find_operation(std::uint32_t opcode);
  struct Owner {
    uid_t uid;
    gid_t gid;
  };

  // server.cpp
  Outcome<> initialise(FuseRequest& request);
  Outcome<> destroy(FuseRequest& request);
  Outcome<> forget(FuseRequest& request);
  Outcome<> forget_many(FuseRequest& request);
  Outcome<> describe_file_system(FuseRequest& request);

  // names.cpp
  Outcome<> look_up(FuseRequest& request);
  Outcome<> read_link(FuseRequest& request);
  Outcome<> make_link(FuseRequest& request);
  Outcome<> make_node(FuseRequest& request);
  Outcome<> make_folder(FuseRequest& request);
  Outcome<> remove_file(FuseRequest& request);
  Outcome<> remove_folder(FuseRequest& request);
  Outcome<> rename(FuseRequest& request);
  Outcome<> rename_with_flags(FuseRequest& request);
  Outcome<> add_name(FuseRequest& request);
  Outcome<> create(FuseRequest& request);
  Outcome<> rename_to(FuseRequest& request, std::uint64_t folder, unsigned flags);
  Outcome<> reply_made(FuseRequest& request, int parent, std::string const& name, Owner owner);
  Outcome<Owner> owner_of_new(FuseRequest const& request, int parent) const;
  Outcome<os::UniqueFd> find_owned(int parent, std::string const& name, Owner owner) const;
  Outcome<fuse_entry_out> enter(os::UniqueFd entry);

  // attributes.cpp
  Outcome<> get_attributes(FuseRequest& request);
  Outcome<> set_attributes(FuseRequest& request);
  Outcome<> reply_attributes(FuseRequest& request, int entry);
  Outcome<> set_owner(int entry, fuse_setattr_in const& wanted);
  Outcome<> set_size(int entry, fuse_setattr_in const& wanted);
  Outcome<> set_times(int entry, fuse_setattr_in const& wanted);
  fuse_attr attributes(struct stat const& info) const;

  // files.cpp
  Outcome<> open(FuseRequest& request);
  Outcome<> release(FuseRequest& request);
  Outcome<> read(FuseRequest& request);
  Outcome<> write(FuseRequest& request);
  Outcome<> synchronise(FuseRequest& request);
  Outcome<> allocate(FuseRequest& request);
  Outcome<> seek(FuseRequest& request);

  // listing.cpp
  Outcome<> list(FuseRequest& request);
  Outcome<> list_with_attributes(FuseRequest& request);
  enum class Detail : std::uint8_t { Names, Attributes };
  Outcome<> list(FuseRequest& request, Detail detail);
  /// False if there is no room for it.
  struct Entry {
    std::uint64_t inode;
    std::uint64_t next;
    std::uint32_t type;
    std::string name;
  };
  bool reply_entry(FuseRequest& request, Entry const& entry, std::uint32_t& room);
  bool reply_entry_with_attributes(FuseRequest& request, int folder, Entry const& entry,
                                   std::uint32_t& room);

  Folder folder_;
  Options options_;
  FsMetrics& metrics_;
  Nodes nodes_;
  Handles handles_;
  bool initialised_ = false;
};

}  // namespace bh::vmm::virtio
