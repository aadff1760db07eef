#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bh::image {

/// Makes tars for tests, hostile ones as well: names go in as they are.
class TarBuilder {
 public:
  TarBuilder();
  TarBuilder(TarBuilder const&) = delete;
  TarBuilder& operator=(TarBuilder const&) = delete;
  ~TarBuilder();

  TarBuilder& file(std::string const& path, std::string_view content = {}, unsigned mode = 0644);
  TarBuilder& folder(std::string const& path, unsigned mode = 0755);
  TarBuilder& symbolic_link(std::string const& path, std::string const& target);
  TarBuilder& hard_link(std::string const& path, std::string const& target);
  TarBuilder& device(std::string const& path, unsigned major, unsigned minor);
  TarBuilder& pipe(std::string const& path);
  /// For the entry that follows.
  TarBuilder& with_attribute(std::string const& name, std::string const& value);
  TarBuilder& with_owner(long uid, long gid);

  /// The whole tar; nothing can be added afterwards.
  std::string finish();

 private:
  struct State;
  void add(std::string const& path, unsigned type, unsigned mode, std::string_view content,
           std::string const& link, std::pair<unsigned, unsigned> device);

  State* state_;  // Owned.
};

std::string gzipped(std::string_view text);
std::string zstd_compressed(std::string_view text);

}  // namespace bh::image
