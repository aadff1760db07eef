#include "vmm/soft/store/code_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "os/temporary_folder.h"
#include "vmm/soft/step/handlers.h"

namespace bh::vmm::soft {
namespace {

constexpr std::array<std::uint8_t, 9> kSource{0x48, 0x89, 0xd8, 0x48, 0x01, 0xc8, 0x90, 0x90, 0xc3};
constexpr std::array<std::uint8_t, 12> kCode{0xe9, 0, 0, 0, 0, 0xe9, 1, 0, 0, 0, 0x90, 0x90};
constexpr std::uint16_t kOffset = 0x123;
constexpr unsigned kMode = 3;

CodeImage image() {
  CodeImage image;
  image.key = CodeImage::key_of_source(kSource, kOffset, kMode);
  image.source = kSource;
  image.code = kCode;
  image.gate_jumps = {1};
  image.numbers = {6};
  image.sites = {
      {.kind = SiteKind::Miss, .writes = true, .size = 8, .offset = 5, .go_on = 4},
      {.kind = SiteKind::LookUp, .undo_stack = 70'000},
      {.kind = SiteKind::Link, .flags = FlagsAt::Both, .target = -1, .patch = 6, .op = 0}};
  image.traps = {{.host = 3, .offset = 7, .x87_opcode = 9, .flags_in_host = true}};
  image.ops.emplace_back();
  image.ops.front().handler = move_store;
  image.entries = {.external = 0, .saved = 2, .host = 4, .flags_dead = true, .fpu = {.x87 = true}};
  return image;
}

class CodeStoreTest : public testing::Test {
 protected:
  std::unique_ptr<CodeStore> open() {
    auto store = CodeStore::open(path_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  void save_one() {
    auto const store = open();
    store->add(image());
    auto const saved = store->save();
    ASSERT_TRUE(saved) << saved.error().message;
  }
  static std::optional<CodeImage> find(CodeStore const& store,
                                       std::span<std::uint8_t const> bytes = kSource,
                                       unsigned mode = kMode) {
    return store.find(bytes, kOffset, mode, [](std::size_t) {});
  }
  void change_byte(off_t at) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    auto const value = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(value ^ 0x10));
  }

  os::TemporaryFolder folder_ = *os::TemporaryFolder::create("code-store");
  std::string path_ = folder_.path() + "/code";
};

TEST_F(CodeStoreTest, IsEmptyWithoutAFile) {
  auto const store = open();
  EXPECT_FALSE(find(*store));
  EXPECT_TRUE(store->save());
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(CodeStoreTest, FindsInTheNextRunWhatWasAddedInThis) {
  save_one();
  auto const store = open();
  auto const found = find(*store);
  ASSERT_TRUE(found);
  auto const wanted = image();
  EXPECT_TRUE(std::ranges::equal(found->source, wanted.source));
  EXPECT_TRUE(std::ranges::equal(found->code, wanted.code));
  EXPECT_EQ(found->gate_jumps, wanted.gate_jumps);
  EXPECT_EQ(found->numbers, wanted.numbers);
  ASSERT_EQ(found->sites.size(), 3u);
  EXPECT_EQ(found->sites[0].kind, SiteKind::Miss);
  EXPECT_TRUE(found->sites[0].writes);
  EXPECT_EQ(found->sites[0].go_on, 4u);
  EXPECT_EQ(found->sites[0].op, Site::kNone);
  EXPECT_EQ(found->sites[1].undo_stack, 70'000u);
  EXPECT_EQ(found->sites[2].target, -1);
  EXPECT_EQ(found->sites[2].flags, FlagsAt::Both);
  EXPECT_EQ(found->sites[2].op, 0u);
  ASSERT_EQ(found->traps.size(), 1u);
  EXPECT_TRUE(found->traps[0].flags_in_host);
  EXPECT_EQ(found->ops.front().handler, &move_store);
  EXPECT_EQ(found->entries.host, 4u);
  EXPECT_TRUE(found->entries.flags_dead);
  EXPECT_TRUE(found->entries.fpu.x87);
}

TEST_F(CodeStoreTest, LooksAtEveryByteOfTheSourceAndAtTheMode) {
  save_one();
  auto const store = open();
  auto other = kSource;
  other.back() = 0xcc;
  EXPECT_FALSE(find(*store, other));
  EXPECT_FALSE(find(*store, std::span(kSource).first(8)));
  EXPECT_FALSE(find(*store, kSource, kMode + 1));
}

TEST_F(CodeStoreTest, LooksAgainOnceTheBytesAreWatched) {
  save_one();
  auto const store = open();
  auto bytes = kSource;
  auto const found = store->find(bytes, kOffset, kMode, [&](std::size_t size) {
    EXPECT_EQ(size, kSource.size());
    bytes[3] = 0;
  });
  EXPECT_FALSE(found);
}

TEST_F(CodeStoreTest, KeepsWhatWasThereWhenMoreIsAdded) {
  save_one();
  auto const store = open();
  constexpr std::array<std::uint8_t, 1> kReturn{0xc3};
  auto more = image();
  more.source = kReturn;
  more.key = CodeImage::key_of_source(kReturn, kOffset, kMode);
  store->add(more);
  ASSERT_TRUE(store->save());
  auto const both = open();
  EXPECT_TRUE(find(*both));
  constexpr std::array<std::uint8_t, 8> kReturnAndMore{0xc3, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_TRUE(find(*both, kReturnAndMore));
}

TEST_F(CodeStoreTest, IsForItsUserAlone) {
  save_one();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  auto const refused = CodeStore::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Denied);
  ASSERT_EQ(::rename(path_.c_str(), (path_ + "2").c_str()), 0);
  ASSERT_EQ(::symlink((path_ + "2").c_str(), path_.c_str()), 0);
  EXPECT_FALSE(CodeStore::open(path_));
}

TEST_F(CodeStoreTest, NamesAFolderThatIsMissing) {
  auto const refused = CodeStore::open(folder_.path() + "/no/code");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("/no/"), std::string::npos) << refused.error().message;
}

TEST_F(CodeStoreTest, NoChangedByteGoesUnseen) {
  save_one();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  auto const wanted = packed(image());
  for (off_t at = 0; at < status.st_size; ++at) {
    change_byte(at);
    auto const store = open();
    if (auto const found = find(*store)) {
      // It was in what fills up the space behind the image.
      EXPECT_EQ(packed(*found), wanted) << at;
    }
    change_byte(at);
  }
}

TEST_F(CodeStoreTest, AFileThatWasCutIsEmpty) {
  save_one();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  for (off_t size = 0; size < status.st_size; size += 7) {
    ASSERT_EQ(::truncate(path_.c_str(), size), 0);
    EXPECT_FALSE(find(*open())) << size;
    ASSERT_EQ(::unlink(path_.c_str()), 0);
    save_one();
  }
}

}  // namespace
}  // namespace bh::vmm::soft
