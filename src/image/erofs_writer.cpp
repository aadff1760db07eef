#include "image/erofs_writer.h"

#include <isa-l/crc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "image/erofs_folder.h"
#include "image/erofs_format.h"
#include "os/file.h"
#include "os/file_write.h"

namespace bh::image::erofs {

namespace {

struct Prefix {
  std::string_view name;
  std::uint8_t index;
};
// EROFS_XATTR_INDEX_*: what a name starts with is a number. The whole name first.
constexpr std::array kPrefixes{Prefix{"system.posix_acl_access", 2},
                               Prefix{"system.posix_acl_default", 3}, Prefix{"user.", 1},
                               Prefix{"security.", 6}};

template <typename T>
void append(std::string& out, T const& object) {
  out.append(reinterpret_cast<char const*>(&object), sizeof object);
}

std::string attributes_text(FileTree::Inode const& inode) {
  std::string out;
  for (auto const& [name, value] : inode.attributes) {
    auto const prefix = std::ranges::find_if(
        kPrefixes, [&](Prefix const& one) { return name.starts_with(one.name); });
    if (prefix == kPrefixes.end()) continue;
    auto const rest = std::string_view(name).substr(prefix->name.size());
    if (out.empty()) out.assign(kAttributesHeader, '\0');
    append(out, AttributeEntry{.name_size = static_cast<std::uint8_t>(rest.size()),
                               .prefix = prefix->index,
                               .value_size = static_cast<std::uint16_t>(value.size())});
    out += rest;
    out += value;
    out.resize((out.size() + 3) / 4 * 4);
  }
  return out;
}

/// What an inode will be, once it is known where all others are.
struct Plan {
  FileTree::InodeNumber inode;
  FileTree::InodeNumber parent;
  std::uint64_t position = 0;    // In the metadata.
  std::uint64_t attributes = 0;  // Bytes.
  std::uint64_t tail = 0;        // Bytes behind the inode.
  std::uint64_t size = 0;
  std::uint32_t block = 0;
  std::uint32_t links = 0;
};

class MetadataWriter {
 public:
  MetadataWriter(FileTree const& tree, ContentArea& area) : tree_(tree), area_(area) {}

  Result<> write(std::array<std::uint8_t, 16> const& uuid) {
    numbers_.assign(tree_.inode_count(), kUnplanned);
    BH_TRY(plan(FileTree::kRoot, FileTree::kRoot));
    for (std::size_t i = 0; i < plans_.size(); ++i) count_links(plans_[i]);
    for (auto& plan : plans_) BH_TRY(place(plan));
    // Folders that need blocks have them before the metadata begins.
    for (auto& plan : plans_) BH_TRY(write_folder_blocks(plan));
    start_ = area_.next_block();
    for (auto const& plan : plans_) BH_TRY(write_inode(plan));
    return write_super_block(uuid);
  }

 private:
  static constexpr std::uint32_t kUnplanned = ~std::uint32_t{0};

  /// Parents before children, so that the root has the small number its field can hold.
  Result<> plan(FileTree::InodeNumber inode, FileTree::InodeNumber parent) {
    if (numbers_[inode] != kUnplanned) return {};
    numbers_[inode] = static_cast<std::uint32_t>(plans_.size());
    plans_.push_back({.inode = inode, .parent = parent});
    for (auto const& [name, child] : tree_.inode(inode).children) {
      BH_TRY(plan(child.inode, inode));
    }
    return {};
  }

  void count_links(Plan const& plan) {
    auto const& inode = tree_.inode(plan.inode);
    if (inode.kind != EntryKind::Folder) return;
    plans_[numbers_[plan.inode]].links += 2;
    for (auto const& [name, child] : inode.children) {
      bool const is_folder = tree_.inode(child.inode).kind == EntryKind::Folder;
      plans_[numbers_[is_folder ? plan.inode : child.inode]].links += 1;
    }
  }

  /// Decides where the inode stands, and what stands behind it.
  Result<> place(Plan& plan) {
    auto const& inode = tree_.inode(plan.inode);
    plan.attributes = attributes_text(inode).size();
    plan.size = inode.size;
    if (inode.kind == EntryKind::Folder) plan.size = folder_size(names_of(plan));
    if (inode.kind == EntryKind::SymbolicLink) plan.size = inode.link.size();
    auto const head = sizeof(Inode) + plan.attributes;
    if (inode.kind == EntryKind::File) {
      auto const& place = area_.place(inode.content);
      plan.block = place.block;
      plan.tail = place.tail_size;
    } else if (plan.size % kBlock <= kMostTail) {
      plan.tail = plan.size % kBlock;
    }
    if (plan.tail != 0 && head + plan.tail > kBlock) BH_TRY(move_tail(plan));

    // The tail must lie in one block; so does all else if it can.
    auto const whole = head + plan.tail;
    auto const offset = end_ % kBlock;
    if (offset != 0 && offset + std::min(whole, kBlock) > kBlock) end_ += kBlock - offset;
    plan.position = end_;
    end_ = (end_ + whole + kSlot - 1) / kSlot * kSlot;
    return {};
  }

  /// Attributes leave no room for it behind the inode: all of the content in blocks.
  Result<> move_tail(Plan& plan) {
    auto const& inode = tree_.inode(plan.inode);
    plan.tail = 0;
    if (inode.kind != EntryKind::File) return {};
    auto const& place = area_.place(inode.content);
    std::vector<std::byte> bytes(plan.size);
    auto const whole = plan.size - place.tail_size;
    if (whole > kMostMoved) {
      return fail(Errc::Unsupported, "a large file with more extended attributes than a block");
    }
    BH_TRY(os::read_exact_at(area_.image(), std::span(bytes).first(whole),
                             std::uint64_t{place.block} * kBlock));
    BH_TRY(area_.read_tail(place, std::span(bytes).subspan(whole)));
    plan.block = BH_TRY(area_.add_blocks(bytes));
    return {};
  }
  static constexpr std::uint64_t kMostMoved = std::uint64_t{64} << 20;

  std::vector<FolderName> names_of(Plan const& plan) const {
    std::vector<FolderName> names{{".", plan.inode, kFolder}, {"..", plan.parent, kFolder}};
    for (auto const& [name, child] : tree_.inode(plan.inode).children) {
      names.push_back({name, child.inode, type_of(tree_.inode(child.inode).kind)});
    }
    std::ranges::sort(names, {}, &FolderName::name);
    return names;
  }

  static std::uint8_t type_of(EntryKind kind) {
    switch (kind) {
      case EntryKind::Folder: return kFolder;
      case EntryKind::SymbolicLink: return kSymbolicLink;
      case EntryKind::Fifo: return kPipe;
      default: return kRegular;
    }
  }

  /// The content of what is no file.
  std::string content_of(Plan const& plan) const {
    auto const& inode = tree_.inode(plan.inode);
    if (inode.kind == EntryKind::SymbolicLink) return inode.link;
    if (inode.kind != EntryKind::Folder) return {};
    return folder_content(names_of(plan), [this](FileTree::InodeNumber child) {
      return plans_[numbers_[child]].position / kSlot;
    });
  }

  Result<> write_folder_blocks(Plan& plan) {
    if (tree_.inode(plan.inode).kind == EntryKind::File || plan.size == plan.tail) return {};
    auto const content = content_of(plan).substr(0, plan.size - plan.tail);
    plan.block = BH_TRY(area_.add_blocks(std::as_bytes(std::span(content))));
    return {};
  }

  Result<> write_inode(Plan const& plan) {
    auto const& inode = tree_.inode(plan.inode);
    bool const is_inline = plan.tail != 0;
    Inode const head{
        .format = static_cast<std::uint16_t>(kExtended | (is_inline ? kInline : kPlain)),
        .attribute_count = static_cast<std::uint16_t>(
            plan.attributes == 0 ? 0 : (plan.attributes - kAttributesHeader) / 4 + 1),
        .mode = mode_of(inode),
        .reserved = 0,
        .size = plan.size,
        .block = plan.block,
        .number = numbers_[plan.inode] + 1,
        .uid = inode.uid,
        .gid = inode.gid,
        .seconds = static_cast<std::uint64_t>(inode.seconds),
        .nanoseconds = inode.nanoseconds,
        .links = plan.links,
        .reserved2 = {}};
    std::string text;
    append(text, head);
    text += attributes_text(inode);
    if (is_inline && inode.kind == EntryKind::File) {
      auto const at = text.size();
      text.resize(at + plan.tail);
      BH_TRY(area_.read_tail(area_.place(inode.content),
                             std::as_writable_bytes(std::span(text)).subspan(at)));
    } else if (is_inline) {
      text += content_of(plan).substr(plan.size - plan.tail);
    }
    return put(plan.position, text);
  }

  static std::uint16_t mode_of(FileTree::Inode const& inode) {
    std::uint32_t type = S_IFREG;
    if (inode.kind == EntryKind::Folder) type = S_IFDIR;
    if (inode.kind == EntryKind::SymbolicLink) type = S_IFLNK;
    if (inode.kind == EntryKind::Fifo) type = S_IFIFO;
    auto const permissions = inode.kind == EntryKind::SymbolicLink ? 0777 : inode.mode & 07777;
    return static_cast<std::uint16_t>(type | permissions);
  }

  /// Positions only grow, so what is written is gathered.
  Result<> put(std::uint64_t position, std::string const& text) {
    constexpr std::size_t kMostGathered = std::size_t{1} << 20;
    if (gathered_.size() > kMostGathered) BH_TRY(flush());
    gathered_.resize(position - flushed_);
    gathered_ += text;
    return {};
  }

  Result<> flush() {
    BH_TRY(os::write_at(area_.image(), std::as_bytes(std::span(gathered_)),
                        start_ * kBlock + flushed_));
    flushed_ += gathered_.size();
    gathered_.clear();
    return {};
  }

  Result<> write_super_block(std::array<std::uint8_t, 16> const& uuid) {
    BH_TRY(flush());
    auto const blocks = start_ + (end_ + kBlock - 1) / kBlock;
    if (::ftruncate(area_.image().get(), static_cast<off_t>(blocks * kBlock)) != 0) {
      return fail_errno("truncate the image", errno);
    }
    SuperBlock super{};
    super.magic = kMagic;
    super.feature_compat = kCompatChecksum;
    super.block_bits = kBlockBits;
    super.root_number = 0;
    super.inodes = plans_.size();
    super.blocks = static_cast<std::uint32_t>(blocks);
    super.metadata_block = static_cast<std::uint32_t>(start_);
    std::ranges::copy(uuid, super.uuid);
    std::array<unsigned char, kBlock - kSuperBlockOffset> block{};
    std::memcpy(block.data(), &super, sizeof super);
    super.checksum = ::crc32_iscsi(block.data(), block.size(), ~0u);
    std::memcpy(block.data(), &super, sizeof super);
    return os::write_at(area_.image(), std::as_bytes(std::span(block)), kSuperBlockOffset);
  }

  FileTree const& tree_;
  ContentArea& area_;
  std::vector<Plan> plans_;
  std::vector<std::uint32_t> numbers_;  // By the tree's inode number: which plan.
  std::uint64_t start_ = 0;             // The metadata's first block.
  std::uint64_t end_ = 0;               // Of the metadata so far.
  std::string gathered_;
  std::uint64_t flushed_ = 0;
};

}  // namespace

Result<> write_metadata(FileTree const& tree, ContentArea& area,
                        std::array<std::uint8_t, 16> const& uuid) {
  return MetadataWriter(tree, area).write(uuid);
}

}  // namespace bh::image::erofs
