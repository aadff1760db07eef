#include "vmm/virtio/fs/server.h"

#include <algorithm>
#include <array>

namespace bh::vmm::virtio {

namespace {

// What one read or write moves at most: the largest Linux asks for.
constexpr std::uint32_t kMaxTransfer = 1 << 20;
constexpr std::uint32_t kPage = 4096;
constexpr std::uint32_t kMinor = 31;
// The first whose messages have the sizes that ours have.
constexpr std::uint32_t kOldestMinor = 27;

constexpr std::uint32_t kWanted = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
                                  FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS |
                                  FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
                                  FUSE_MAX_PAGES;

}  // namespace

struct FsServer::Operation {
  std::uint32_t opcode;
  Handler handler;
  bool answered = true;
};

FsServer::Operation const* FsServer::find_operation(std::uint32_t opcode) {
  static constexpr std::array kOperations{
      Operation{FUSE_LOOKUP, &FsServer::look_up},
      Operation{FUSE_FORGET, &FsServer::forget, false},
      Operation{FUSE_GETATTR, &FsServer::get_attributes},
      Operation{FUSE_SETATTR, &FsServer::set_attributes},
      Operation{FUSE_READLINK, &FsServer::read_link},
      Operation{FUSE_SYMLINK, &FsServer::make_link},
      Operation{FUSE_MKNOD, &FsServer::make_node},
      Operation{FUSE_MKDIR, &FsServer::make_folder},
      Operation{FUSE_UNLINK, &FsServer::remove_file},
      Operation{FUSE_RMDIR, &FsServer::remove_folder},
      Operation{FUSE_RENAME, &FsServer::rename},
      Operation{FUSE_RENAME2, &FsServer::rename_with_flags},
      Operation{FUSE_LINK, &FsServer::add_name},
      Operation{FUSE_OPEN, &FsServer::open},
      Operation{FUSE_READ, &FsServer::read},
      Operation{FUSE_WRITE, &FsServer::write},
      Operation{FUSE_STATFS, &FsServer::describe_file_system},
      Operation{FUSE_RELEASE, &FsServer::release},
      Operation{FUSE_FSYNC, &FsServer::synchronise},
      Operation{FUSE_INIT, &FsServer::initialise},
      Operation{FUSE_OPENDIR, &FsServer::open},
      Operation{FUSE_READDIR, &FsServer::list},
      Operation{FUSE_RELEASEDIR, &FsServer::release},
      Operation{FUSE_FSYNCDIR, &FsServer::synchronise},
      Operation{FUSE_CREATE, &FsServer::create},
      Operation{FUSE_DESTROY, &FsServer::destroy},
      Operation{FUSE_BATCH_FORGET, &FsServer::forget_many, false},
      Operation{FUSE_FALLOCATE, &FsServer::allocate},
      Operation{FUSE_READDIRPLUS, &FsServer::list_with_attributes},
      Operation{FUSE_LSEEK, &FsServer::seek},
  };
  auto const found = std::ranges::find(kOperations, opcode, &Operation::opcode);
  return found == kOperations.end() ? nullptr : &*found;
}

std::uint32_t FsServer::answer(GuestMemory& memory, Chain const& chain) {
  FuseRequest request(memory, chain);
  metrics_.requests.add();
  if (!request.read_header()) {
    metrics_.invalid_reqs.add();
    return 0;
  }
  auto const opcode = request.header().opcode;
  auto const* const operation = find_operation(opcode);
  Outcome<> outcome;
  if (operation == nullptr) {
    // Linux asks once and does without from then on: extended attributes, locks, ioctl and more.
    outcome = refuse(ENOSYS);
  } else if (!initialised_ && opcode != FUSE_INIT) {
    outcome = refuse(EIO);
  } else {
    outcome = (this->*operation->handler)(request);
  }
  if (operation != nullptr && !operation->answered) return 0;
  if (!outcome) metrics_.errors.add();
  auto const written = request.finish(outcome);
  if (written == 0) metrics_.invalid_reqs.add();
  return written;
}

void FsServer::reset() {
  handles_.clear();
  nodes_.clear();
  initialised_ = false;
}

Outcome<> FsServer::initialise(FuseRequest& request) {
  // Guests before 7.36 send 16 bytes, later ones more, of which we need nothing.
  struct Start {
    std::uint32_t major;
    std::uint32_t minor;
    std::uint32_t max_readahead;
    std::uint32_t flags;
  };
  auto const guest = BH_TRY(request.arguments<Start>());
  if (guest.major < FUSE_KERNEL_VERSION) return refuse(EPROTO);
  fuse_init_out answer{};
  answer.major = FUSE_KERNEL_VERSION;
  answer.minor = kMinor;
  // A later major version asks again with the one it is told.
  if (guest.major > FUSE_KERNEL_VERSION) return request.reply(answer);
  if (guest.minor < kOldestMinor) return refuse(EPROTO);
  reset();
  answer.max_readahead = guest.max_readahead;
  answer.flags = guest.flags & kWanted;
  answer.max_background = 64;
  answer.congestion_threshold = 48;
  answer.max_write = kMaxTransfer;
  answer.max_pages = kMaxTransfer / kPage;
  answer.time_gran = 1;
  BH_TRY(request.reply(answer));
  initialised_ = true;
  return {};
}

Outcome<> FsServer::destroy(FuseRequest&) {
  reset();
  return {};
}

Outcome<> FsServer::forget(FuseRequest& request) {
  auto const forgotten = BH_TRY(request.arguments<fuse_forget_in>());
  nodes_.forget(request.header().nodeid, forgotten.nlookup);
  return {};
}

Outcome<> FsServer::forget_many(FuseRequest& request) {
  auto const batch = BH_TRY(request.arguments<fuse_batch_forget_in>());
  // Ends with the chain, whatever the count says.
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    auto const one = BH_TRY(request.arguments<fuse_forget_one>());
    nodes_.forget(one.nodeid, one.nlookup);
  }
  return {};
}

Outcome<> FsServer::describe_file_system(FuseRequest& request) {
  int const entry = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const info = BH_TRY(folder_.describe_file_system(entry));
  fuse_statfs_out answer{};
  answer.st.blocks = info.f_blocks;
  answer.st.bfree = info.f_bfree;
  answer.st.bavail = info.f_bavail;
  answer.st.files = info.f_files;
  answer.st.ffree = info.f_ffree;
  answer.st.bsize = static_cast<std::uint32_t>(info.f_bsize);
  answer.st.namelen = static_cast<std::uint32_t>(info.f_namemax);
  answer.st.frsize = static_cast<std::uint32_t>(info.f_frsize);
  return request.reply(answer);
}

}  // namespace bh::vmm::virtio
