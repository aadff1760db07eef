#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "os/temporary_folder.h"
#include "vmm/virtio/fs/server.h"
#include "vmm/virtio/fs/testing/fuse_client.h"

/// A list of requests: operation, node, size of the body, body. What must never change is what lies
/// beside the shared folder.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  using namespace bh::vmm::virtio;
  namespace fs = std::filesystem;
  std::string_view input(reinterpret_cast<char const*>(data), size);
  if (input.empty()) return 0;
  auto const access = (input[0] & 1) != 0 ? Folder::Access::ReadOnly : Folder::Access::ReadWrite;
  input.remove_prefix(1);
  auto const scratch = bh::os::TemporaryFolder::create("bulkhead-fuse-fuzz");
  if (!scratch) std::abort();
  fs::path const top = scratch->path();
  fs::create_directories(top / "shared" / "a");
  fs::create_directory(top / "secret");
  fs::create_symlink("../secret", top / "shared" / "b");
  FsMetrics metrics;
  auto folder = Folder::open(top / "shared", access);
  if (!folder) std::abort();
  FsServer server(*std::move(folder), {.users = IdMap({}), .groups = IdMap({}), .max_nodes = 16},
                  metrics);
  testing::FuseClient client(server);
  client.start();
  // Nodes 2 and 3, so that the first requests have something to name.
  client.look_up("a");
  client.look_up("b");
  while (input.size() > 3) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
    auto const opcode = byte(0);
    auto const node = byte(1);
    auto const body = input.substr(3, byte(2));
    input.remove_prefix(3 + body.size());
    // fallocate() of terabytes would only fill the disk of who fuzzes.
    if (opcode == FUSE_FALLOCATE) continue;
    client.call(opcode, node, body);
  }
  if (!fs::is_empty(top / "secret")) std::abort();
  bool const changed = !fs::is_empty(top / "shared" / "a");
  if (access == Folder::Access::ReadOnly && changed) std::abort();
  return 0;
}
