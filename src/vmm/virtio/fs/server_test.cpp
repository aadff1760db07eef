#include "vmm/virtio/fs/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "os/temporary_folder.h"
#include "vmm/virtio/fs/testing/fuse_client.h"

namespace bh::vmm::virtio {
namespace {

namespace fs = std::filesystem;
using testing::FuseClient;

class FsServerTest : public ::testing::Test {
 protected:
  FsServerTest() {
    fs::create_directories(top_ / "shared" / "folder");
    put(top_ / "secret", "not for the guest");
    put(shared_ / "file", "hello");
  }
  void start(Folder::Access access = Folder::Access::ReadWrite, FsServer::Options options = all()) {
    server_.emplace(std::move(Folder::open(shared_, access).value()), std::move(options), metrics_);
    client_.emplace(*server_);
    ASSERT_EQ(client_->start().error, 0);
  }
  static FsServer::Options all() {
    return {.users = IdMap({}), .groups = IdMap({}), .max_nodes = 100};
  }
  static void put(fs::path const& path, std::string const& text) { std::ofstream(path) << text; }
  static std::string get(fs::path const& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int remove(std::string const& name, std::uint32_t opcode = FUSE_UNLINK) {
    return client_->call(opcode, 1, FuseClient::terminated(name)).error;
  }
  std::uint64_t opened(std::uint64_t node, int flags, std::uint32_t opcode = FUSE_OPEN) {
    return client_->open(node, flags, opcode).as<fuse_open_out>().fh;
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("fs-test").value());
  fs::path top_ = folder_.path();
  fs::path shared_ = top_ / "shared";
  FsMetrics metrics_;
  std::optional<FsServer> server_;
  std::optional<FuseClient> client_;
};

TEST_F(FsServerTest, ReadsAndWritesFiles) {
  start();
  auto const handle = opened(client_->look_up("file"), O_RDWR);
  EXPECT_EQ(client_->read(handle, 0, 100).payload, "hello");
  EXPECT_EQ(client_->read(handle, 4, 100).payload, "o");
  EXPECT_EQ(client_->read(handle, 5, 100).payload, "");
  EXPECT_EQ(client_->write(handle, 5, " guest").as<fuse_write_out>().size, 6u);
  EXPECT_EQ(get(shared_ / "file"), "hello guest");
  EXPECT_EQ(metrics_.write_bytes.value(), 6u);
}

TEST_F(FsServerTest, MakesFilesWithTheirModeWhateverTheHostsMaskIs) {
  start();
  auto const made = client_->create("new", O_WRONLY, 0666);
  ASSERT_EQ(made.error, 0);
  EXPECT_EQ(made.as<fuse_entry_out>().attr.mode, S_IFREG | 0666u);
  auto const handle = made.as<fuse_open_out>(sizeof(fuse_entry_out)).fh;
  EXPECT_EQ(client_->write(handle, 0, "x").error, 0);
  EXPECT_EQ(get(shared_ / "new"), "x");
  EXPECT_EQ(client_->create("new", O_WRONLY | O_EXCL, 0666).error, EEXIST);
  EXPECT_EQ(client_->create("new", O_WRONLY, 0666).error, 0);
}

TEST_F(FsServerTest, KnowsOneFileByOneNumber) {
  start();
  auto const node = client_->look_up("file");
  EXPECT_EQ(client_->look_up("file"), node);
  fuse_forget_in const once{.nlookup = 1};
  EXPECT_EQ(client_->call(FUSE_FORGET, node, once, "").size, 0u);
  EXPECT_EQ(client_->open(node, O_RDONLY).error, 0);
  client_->call(FUSE_FORGET, node, once, "");
  EXPECT_EQ(client_->open(node, O_RDONLY).error, ESTALE);
}

TEST_F(FsServerTest, RefusesNamesThatAreNoNames) {
  start();
  for (std::string const name : {"..", ".", "", "folder/..", "../secret", "/etc", "a/b"}) {
    EXPECT_EQ(client_->call(FUSE_LOOKUP, 1, FuseClient::terminated(name)).error, EINVAL) << name;
    EXPECT_EQ(client_->create(name, O_RDWR, 0600).error, EINVAL) << name;
    EXPECT_EQ(remove(name), EINVAL) << name;
    EXPECT_EQ(remove(name, FUSE_RMDIR), EINVAL) << name;
  }
  EXPECT_EQ(client_->call(FUSE_LOOKUP, 1, FuseClient::terminated(std::string(300, 'x'))).error,
            ENAMETOOLONG);
  EXPECT_EQ(client_->call(FUSE_LOOKUP, 1, "no end").error, EINVAL);
  EXPECT_EQ(get(top_ / "secret"), "not for the guest");
}

TEST_F(FsServerTest, NeverFollowsALink) {
  fs::create_symlink("../secret", shared_ / "out");
  fs::create_directory_symlink("..", shared_ / "up");
  start();
  auto const link = client_->look_up("out");
  ASSERT_NE(link, 0u);
  EXPECT_EQ(client_->call(FUSE_READLINK, link, "").payload, "../secret");
  EXPECT_NE(client_->open(link, O_RDONLY).error, 0);
  EXPECT_NE(client_->open(link, O_WRONLY | O_TRUNC).error, 0);
  fuse_setattr_in smaller{};
  smaller.valid = FATTR_SIZE;
  EXPECT_NE(client_->call(FUSE_SETATTR, link, smaller, "").error, 0);
  fuse_setattr_in mode{};
  mode.valid = FATTR_MODE;
  EXPECT_EQ(client_->call(FUSE_SETATTR, link, mode, "").error, EOPNOTSUPP);
  auto const up = client_->look_up("up");
  EXPECT_EQ(client_->look_up("secret", up), 0u);
  EXPECT_EQ(client_->create("new", O_RDWR, 0600, up).error, ENOTDIR);
  // Not even to make what a dangling link names.
  fs::create_symlink("../made", shared_ / "dangling");
  EXPECT_NE(client_->create("dangling", O_RDWR, 0600).error, 0);
  EXPECT_FALSE(fs::exists(top_ / "made"));
  EXPECT_EQ(get(top_ / "secret"), "not for the guest");
}

TEST_F(FsServerTest, StaysWithTheFolderItKnowsWhenALinkTakesItsPlace) {
  start();
  auto const node = client_->look_up("folder");
  fs::rename(shared_ / "folder", shared_ / "moved");
  fs::create_directory_symlink(top_, shared_ / "folder");
  EXPECT_EQ(client_->create("new", O_RDWR, 0600, node).error, 0);
  EXPECT_TRUE(fs::exists(shared_ / "moved" / "new"));
  EXPECT_FALSE(fs::exists(top_ / "new"));
  EXPECT_EQ(client_->look_up("secret", node), 0u);
}

TEST_F(FsServerTest, OpensNeitherPipesNorDevices) {
  ASSERT_EQ(::mkfifo((shared_ / "pipe").c_str(), 0600), 0);
  start();
  EXPECT_EQ(client_->open(client_->look_up("pipe"), O_RDONLY).error, ENXIO);
  fuse_mknod_in device{};
  device.mode = S_IFCHR | 0666;
  device.rdev = 0x103;
  EXPECT_EQ(client_->call(FUSE_MKNOD, 1, device, FuseClient::terminated("null")).error, EPERM);
  device.mode = S_IFIFO | 0600;
  EXPECT_EQ(client_->call(FUSE_MKNOD, 1, device, FuseClient::terminated("own")).error, 0);
}

TEST_F(FsServerTest, LeavesNoSetUserIdProgramOnTheHost) {
  start();
  EXPECT_EQ(client_->create("program", O_WRONLY, 06755).as<fuse_entry_out>().attr.mode,
            S_IFREG | 0755u);
  fuse_setattr_in mode{};
  mode.valid = FATTR_MODE;
  mode.mode = 04711;
  auto const changed = client_->call(FUSE_SETATTR, client_->look_up("file"), mode, "");
  EXPECT_EQ(changed.as<fuse_attr_out>().attr.mode, S_IFREG | 0711u);
}

TEST_F(FsServerTest, ChangesNothingOfAReadOnlyFolder) {
  start(Folder::Access::ReadOnly);
  auto const node = client_->look_up("file");
  EXPECT_EQ(client_->read(opened(node, O_RDONLY), 0, 100).payload, "hello");
  EXPECT_EQ(client_->open(node, O_RDWR).error, EROFS);
  EXPECT_EQ(client_->open(node, O_RDONLY | O_TRUNC).error, EROFS);
  EXPECT_EQ(client_->create("new", O_RDWR, 0600).error, EROFS);
  EXPECT_EQ(client_->create("file", O_RDWR, 0600).error, EROFS);
  EXPECT_EQ(remove("file"), EROFS);
  EXPECT_EQ(remove("folder", FUSE_RMDIR), EROFS);
  fuse_mkdir_in const folder{};
  EXPECT_EQ(client_->call(FUSE_MKDIR, 1, folder, FuseClient::terminated("d")).error, EROFS);
  fuse_rename_in const rename{.newdir = 1};
  EXPECT_EQ(client_->call(FUSE_RENAME, 1, rename, std::string("file\0new\0", 9)).error, EROFS);
  EXPECT_EQ(client_->call(FUSE_SYMLINK, 1, std::string("new\0to\0", 7)).error, EROFS);
  fuse_link_in const link{.oldnodeid = node};
  EXPECT_EQ(client_->call(FUSE_LINK, 1, link, FuseClient::terminated("new")).error, EROFS);
  for (auto const what : {FATTR_MODE, FATTR_UID, FATTR_GID, FATTR_SIZE, FATTR_MTIME}) {
    fuse_setattr_in change{};
    change.valid = what;
    EXPECT_EQ(client_->call(FUSE_SETATTR, node, change, "").error, EROFS) << what;
  }
  EXPECT_EQ(get(shared_ / "file"), "hello");
}

TEST_F(FsServerTest, RenamesLinksAndRemoves) {
  start();
  fuse_rename2_in keep{};
  keep.newdir = 1;
  keep.flags = RENAME_NOREPLACE;
  put(shared_ / "other", "o");
  auto const names = std::string("file\0other\0", 11);
  EXPECT_EQ(client_->call(FUSE_RENAME2, 1, keep, names).error, EEXIST);
  keep.flags = RENAME_WHITEOUT;
  EXPECT_EQ(client_->call(FUSE_RENAME2, 1, keep, names).error, EINVAL);
  fuse_rename_in const rename{.newdir = client_->look_up("folder")};
  EXPECT_EQ(client_->call(FUSE_RENAME, 1, rename, names).error, 0);
  EXPECT_EQ(get(shared_ / "folder" / "other"), "hello");
  fuse_link_in const link{.oldnodeid = client_->look_up("other", rename.newdir)};
  auto const linked = client_->call(FUSE_LINK, 1, link, FuseClient::terminated("again"));
  EXPECT_EQ(linked.as<fuse_entry_out>().nodeid, link.oldnodeid);
  EXPECT_EQ(linked.as<fuse_entry_out>().attr.nlink, 2u);
  EXPECT_EQ(remove("again"), 0);
  EXPECT_EQ(remove("folder", FUSE_RMDIR), ENOTEMPTY);
  EXPECT_EQ(client_->call(FUSE_SYMLINK, 1, std::string("new\0/etc\0", 9)).error, 0);
  EXPECT_EQ(fs::read_symlink(shared_ / "new"), "/etc");
}

std::vector<std::string> names_of(std::string_view payload, std::size_t skip) {
  std::vector<std::string> names;
  while (payload.size() > skip + FUSE_NAME_OFFSET) {
    fuse_dirent entry{};
    std::memcpy(&entry, payload.data() + skip, FUSE_NAME_OFFSET);
    names.emplace_back(payload.substr(skip + FUSE_NAME_OFFSET, entry.namelen));
    payload.remove_prefix(
        std::min(payload.size(), skip + (FUSE_NAME_OFFSET + entry.namelen + 7) / 8 * 8));
  }
  return names;
}

TEST_F(FsServerTest, ListsAFolderInPieces) {
  for (int i = 0; i < 100; ++i) put(shared_ / ("entry" + std::to_string(i)), "");
  start();
  auto const handle = opened(1, O_RDONLY, FUSE_OPENDIR);
  std::set<std::string> seen;
  std::uint64_t offset = 0;
  while (true) {
    auto const piece = client_->read(handle, offset, 512, FUSE_READDIR);
    ASSERT_EQ(piece.error, 0);
    if (piece.payload.empty()) break;
    for (std::size_t at = 0; at < piece.payload.size();) {
      auto const entry = piece.as<fuse_dirent>(at);
      offset = entry.off;
      at += (FUSE_NAME_OFFSET + entry.namelen + 7) / 8 * 8;
    }
    for (auto const& name : names_of(piece.payload, 0)) {
      EXPECT_TRUE(seen.insert(name).second) << name;
    }
  }
  EXPECT_EQ(seen.size(), 100u + 4u);  // With . .. file folder.
}

TEST_F(FsServerTest, ListsAFolderWithAttributes) {
  start();
  auto const handle = opened(1, O_RDONLY, FUSE_OPENDIR);
  auto const listed = client_->read(handle, 0, 4096, FUSE_READDIRPLUS);
  auto const names = names_of(listed.payload, sizeof(fuse_entry_out));
  EXPECT_EQ(std::set(names.begin(), names.end()),
            (std::set<std::string>{".", "..", "file", "folder"}));
  EXPECT_EQ(client_->look_up("file"), client_->look_up("file"));
}

TEST_F(FsServerTest, HoldsALimitedNumberOfEntries) {
  start(Folder::Access::ReadWrite, {.users = IdMap({}), .groups = IdMap({}), .max_nodes = 1});
  EXPECT_NE(client_->look_up("file"), 0u);
  EXPECT_EQ(client_->call(FUSE_LOOKUP, 1, FuseClient::terminated("folder")).error, ENFILE);
  for (std::size_t i = 0; i < FsServer::kMaxHandles; ++i) {
    ASSERT_EQ(client_->open(1, O_RDONLY, FUSE_OPENDIR).error, 0);
  }
  EXPECT_EQ(client_->open(1, O_RDONLY, FUSE_OPENDIR).error, EMFILE);
}

TEST_F(FsServerTest, ShowsOnlyUsersThatAreMapped) {
  auto const own = static_cast<std::uint64_t>(::getuid());
  std::vector<IdRangeConfig> const map{{.guest = 1000, .host = own, .count = 1}};
  start(Folder::Access::ReadWrite, {.users = IdMap(map), .groups = IdMap({}), .max_nodes = 10});
  auto const attributes = [&](std::uint64_t node) {
    return client_->call(FUSE_GETATTR, node, fuse_getattr_in{}, "").as<fuse_attr_out>().attr;
  };
  EXPECT_EQ(attributes(client_->look_up("file")).uid, 1000u);
  client_->uid = 1000;
  client_->gid = ::getgid();
  EXPECT_EQ(client_->create("mine", O_RDWR, 0600).as<fuse_entry_out>().attr.uid, 1000u);
  client_->uid = 0;
  EXPECT_EQ(client_->create("roots", O_RDWR, 0600).error, EPERM);
  EXPECT_FALSE(fs::exists(shared_ / "roots"));
  EXPECT_EQ(IdMap(map).to_guest(static_cast<std::uint32_t>(own) + 1), IdMap::kOverflow);
}

TEST_F(FsServerTest, SaysThatItDoesNotKnowAnOperation) {
  start();
  EXPECT_EQ(client_->call(FUSE_GETXATTR, 1, "").error, ENOSYS);
  EXPECT_EQ(client_->call(9999, 1, "").error, ENOSYS);
  EXPECT_EQ(client_->call(FUSE_OPEN, 1, "short").error, EINVAL);
  EXPECT_EQ(client_->open(77, O_RDONLY).error, ESTALE);
  EXPECT_EQ(client_->read(77, 0, 10).error, EBADF);
}

TEST_F(FsServerTest, AnswersNothingBeforeItsStartAndAfterItsEnd) {
  start();
  EXPECT_EQ(client_->call(FUSE_DESTROY, 0, "").error, 0);
  EXPECT_EQ(client_->look_up("file"), 0u);
  fuse_init_in later{};
  later.major = 8;
  EXPECT_EQ(client_->call(FUSE_INIT, 0, later, "").as<fuse_init_out>().major, 7u);
  EXPECT_EQ(client_->look_up("file"), 0u);
}

TEST_F(FsServerTest, SurvivesRequestsWithoutAHeaderOrRoom) {
  start();
  EXPECT_EQ(client_->send("short", 0).size, 0u);
  EXPECT_EQ(client_->call(FUSE_LOOKUP, 1, FuseClient::terminated("file"), 8).error, EMSGSIZE);
  EXPECT_EQ(metrics_.invalid_reqs.value(), 1u);
}

}  // namespace
}  // namespace bh::vmm::virtio
