#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <utility>

#include "os/unique_fd.h"
#include "vmm/virtio/fs/outcome.h"

namespace bh::vmm::virtio {

/// The entries that the guest knows by number: FUSE's node ids. Each keeps an O_PATH descriptor
/// until the guest has forgotten it as often as it has looked it up, so that its inode number
/// cannot come to mean another file.
class Nodes {
 public:
  static constexpr std::uint64_t kRoot = 1;

  /// `limit` descriptors at most: beyond them the guest gets ENFILE.
  Nodes(int root, std::size_t limit) : root_(root), limit_(limit) {}

  /// The descriptor of a node, which stays this object's; ESTALE if there is none.
  Outcome<int> descriptor(std::uint64_t id) const {
    if (id == kRoot) return root_;
    auto const found = nodes_.find(id);
    if (found == nodes_.end()) return refuse(ESTALE);
    return found->second.entry.get();
  }

  /// The number of an entry, looked up once more.
  Outcome<std::uint64_t> add(os::UniqueFd entry, struct stat const& info) {
    Key const key{info.st_dev, info.st_ino};
    if (auto const known = ids_.find(key); known != ids_.end()) {
      ++nodes_.at(known->second).lookups;
      return known->second;
    }
    if (nodes_.size() >= limit_) return refuse(ENFILE);
    std::uint64_t const id = next_++;
    nodes_.emplace(id, Node{std::move(entry), key, 1});
    ids_.emplace(key, id);
    return id;
  }

  void forget(std::uint64_t id, std::uint64_t lookups) {
    auto const found = nodes_.find(id);
    if (found == nodes_.end()) return;
    auto& node = found->second;
    node.lookups -= lookups < node.lookups ? lookups : node.lookups;
    if (node.lookups != 0) return;
    ids_.erase(node.key);
    nodes_.erase(found);
  }

  void clear() {
    nodes_.clear();
    ids_.clear();
  }
  std::size_t size() const { return nodes_.size(); }

 private:
  using Key = std::pair<dev_t, ino_t>;
  struct Node {
    os::UniqueFd entry;
    Key key;
    std::uint64_t lookups;
  };

  int root_;
  std::size_t limit_;
  // Never used twice, so that a number of before means nothing rather than something else.
  std::uint64_t next_ = kRoot + 1;
  std::map<std::uint64_t, Node> nodes_;
  std::map<Key, std::uint64_t> ids_;
};

}  // namespace bh::vmm::virtio
