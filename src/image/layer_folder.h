#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "image/layer_reader.h"
#include "os/unique_fd.h"

namespace bh::image {

/// What an entry may come in the place of: anything, as later entries of a layer do, or what is no
/// folder if it is none itself, and a folder if it is one.
enum class Replace : std::uint8_t { Anything, SameKind };

/// Unpacks a layer into an empty folder that overlayfs can have as a lower one, or other files into
/// one that has some. Nothing outside of it is touched, whatever the layer says. Without other ids
/// to give them to (file_attributes.h) all files are the caller's own.
class LayerFolder final : public LayerSink {
 public:
  /// `folder` is an O_PATH or other descriptor of it.
  explicit LayerFolder(os::UniqueFd folder, Replace replace = Replace::Anything);

  Result<> take(Entry const& entry, Content& content) override;
  /// To be called after the last entry: modes and times of folders, which entries in them change.
  Result<> finish();

 private:
  /// What is known of a name of this layer.
  enum class Seen : unsigned char { Present, Whiteout, WhiteoutThenPresent };

  Result<> make(Entry const& entry, int parent, std::string const& name, Content& content);
  Result<> make_file(Entry const& entry, int parent, std::string const& name, Content& content);
  Result<> make_folder(Entry const& entry, int parent, std::string const& name);
  Result<> make_link(Entry const& entry, int parent, std::string const& name);
  Result<> whiteout(Entry const& entry);
  Result<> make_opaque(std::string const& path);
  /// The folder of that path, made with those above it if need be; valid until the next call.
  Result<int> folder_at(std::string const& path);
  Result<os::UniqueFd> open_beneath(std::string const& path, int flags) const;
  Result<> clear(int parent, std::string const& name, std::string const& path, bool for_folder);

  os::UniqueFd root_;
  Replace replace_;
  bool gives_files_away_;
  std::string last_path_;  // Of last_folder_, which tars mostly go on in.
  os::UniqueFd last_folder_;
  std::vector<Entry> folders_;                   // Whose modes and times are set in the end.
  std::unordered_map<std::string, Seen> names_;  // Only of whiteouts, and what replaced them.
};

}  // namespace bh::image
