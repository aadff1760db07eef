#include "image/build/copy_step.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "image/build/root_path.h"
#include "image/folder_tar.h"
#include "image/layer_entry.h"
#include "image/layer_folder.h"
#include "image/layer_reader.h"
#include "os/file_write.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

std::string last_part(std::string const& path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_pattern(std::string const& path) {
  return path.find_first_of("*?[") != std::string::npos;
}

/// Gives everything one owner or mode on its way.
class OwnedFolder final : public LayerSink {
 public:
  OwnedFolder(LayerFolder& folder, std::optional<User> user, std::optional<std::uint32_t> mode)
      : folder_(folder), user_(user), mode_(mode) {}

  Result<> take(Entry const& entry, Content& content) override {
    if (entry.kind == EntryKind::Whiteout || entry.kind == EntryKind::Opaque) {
      return fail(Errc::Unsupported,
                  "it has a file \".wh.\" that removes \"" + entry.path + "\": it is a layer");
    }
    auto changed = entry;
    if (user_) {
      changed.uid = user_->uid;
      changed.gid = user_->gid;
    }
    if (mode_) changed.mode = *mode_;
    return folder_.take(changed, content);
  }

 private:
  LayerFolder& folder_;
  std::optional<User> user_;
  std::optional<std::uint32_t> mode_;
};

Result<std::unique_ptr<FileSource>> source_of(os::UniqueFd const& file) {
  os::UniqueFd copy(::fcntl(file.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy.valid() || ::lseek(copy.get(), 0, SEEK_SET) != 0) return fail_errno("rewind", errno);
  return std::make_unique<FileSource>(std::move(copy));
}

/// Whether it is a tar (POSIX "ustar" and GNU's), with or without compression.
bool is_archive(os::UniqueFd const& file) {
  constexpr std::size_t kMagicAt = 257;
  constexpr std::string_view kMagic = "ustar";
  auto source = source_of(file);
  if (!source) return false;
  auto const content = decompressed(std::move(*source));
  if (!content) return false;
  std::array<std::byte, kMagicAt + kMagic.size()> head{};
  std::span<std::byte> rest(head);
  while (!rest.empty()) {
    auto const count = (*content)->read(rest);
    if (!count || *count == 0) return false;
    rest = rest.subspan(*count);
  }
  return std::memcmp(&head[kMagicAt], kMagic.data(), kMagic.size()) == 0;
}

Result<> unpack(os::UniqueFd const& tar, LayerSink& sink) {
  struct stat info{};
  if (::fstat(tar.get(), &info) != 0) return fail_errno("stat", errno);
  auto source = BH_TRY(source_of(tar));
  BH_TRY(read_layer(std::move(source), static_cast<std::uint64_t>(info.st_size), sink));
  return {};
}

/// A copy without a name; its bytes go to `hasher`.
Result<os::UniqueFd> copied(os::UniqueFd const& file, std::string const& scratch_folder,
                            Hasher& hasher) {
  auto copy = BH_TRY(os::open_at(AT_FDCWD, scratch_folder, O_TMPFILE | O_RDWR, 0600));
  auto const source = BH_TRY(source_of(file));
  std::vector<std::byte> buffer(std::size_t{256} << 10);
  for (;;) {
    auto const count = BH_TRY(source->read(buffer));
    if (count == 0) return copy;
    auto const bytes = std::span<std::byte const>(buffer).first(count);
    hasher.update(bytes);
    BH_TRY(os::write_all(copy, bytes));
  }
}

}  // namespace

Result<std::vector<CopySource::Found>> CopySource::find(os::UniqueFd const& root,
                                                        CopyRequest const& request,
                                                        Ignore const* ignore) {
  std::vector<Found> found;
  auto const add = [&](std::string const& path) -> Result<bool> {
    struct stat info{};
    if (ignore != nullptr && !path.empty() && ignore->leaves_out(path) &&
        !ignore->has_exceptions()) {
      return false;
    }
    if (!path.empty() && request.excluded.leaves_out(path)) return true;
    auto const name = path.empty() ? "." : path;
    if (::fstatat(root.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
    found.push_back({.path = path, .is_folder = S_ISDIR(info.st_mode)});
    return true;
  };
  for (auto const& source : request.sources) {
    auto const path = BH_TRY(clean_path(source));
    bool any = false;
    if (is_pattern(path)) {
      // Only the last part may have stars: what people write.
      auto const slash = path.rfind('/');
      auto const folder = slash == std::string::npos ? "." : path.substr(0, slash);
      auto names = BH_TRY(os::names_in(root.get(), folder));
      std::ranges::sort(names);
      for (auto const& name : names) {
        if (!matches(last_part(path), name)) continue;
        any = BH_TRY(add(folder == "." ? name : folder + "/" + name)) || any;
      }
    } else {
      any = BH_TRY(add(path));
    }
    if (!any) {
      return fail(Errc::NotFound,
                  "\"" + source + "\" is not there, or .dockerignore leaves it out");
    }
  }
  return found;
}

Result<CopySource> CopySource::read(os::UniqueFd const& root, CopyRequest const& request,
                                    Ignore const* ignore, std::string const& scratch_folder) {
  auto found = BH_TRY(find(root, request, ignore));
  bool const into_folder = request.destination.ends_with('/') || found.size() > 1;
  auto tar = BH_TRY(os::open_at(AT_FDCWD, scratch_folder, O_TMPFILE | O_RDWR, 0600));
  CopySource source(std::move(tar));
  Hasher hasher;
  for (auto& one : found) {
    auto file = request.unpacks && !one.is_folder
                    ? open_in_root(root.get(), one.path, O_RDONLY | O_NONBLOCK)
                    : os::UniqueFd();
    bool const unpacked = file && file->valid() && is_archive(*file);
    if (unpacked) {
      auto copy = BH_TRY(copied(*file, scratch_folder, hasher));
      source.archives_.push_back(std::move(copy));
    } else {
      source.found_.push_back(std::move(one));
    }
  }
  TarOptions options{.owners = ignore != nullptr ? Owners::Root : Owners::AsTheyAre,
                     .times = Times::Zero,
                     .kind = FolderKind::Plain,
                     .leaves_out = {}};
  options.leaves_out = [&](std::string const& path, bool is_folder) {
    // An exception may be in a folder that is left out.
    auto const left_out = [&](Ignore const& rules) {
      return rules.leaves_out(path) && !(is_folder && rules.has_exceptions());
    };
    return left_out(request.excluded) || (ignore != nullptr && left_out(*ignore));
  };
  std::vector<TarItem> items;
  for (auto const& one : source.found_) {
    std::string name;
    if (!one.is_folder) {
      name = into_folder ? last_part(one.path) : last_part(request.destination);
    }
    items.push_back({.source = one.path, .name = std::move(name)});
  }
  BH_TRY(tar_items(root.get(), items, options, [&](std::span<std::byte const> bytes) {
    hasher.update(bytes);
    return os::write_all(source.tar_, bytes);
  }));
  source.digest_ = hasher.finish();
  return source;
}

Result<> CopySource::apply(int root, CopyRequest const& request, std::optional<User> user) const {
  for (auto const& archive : archives_) {
    auto folder = request.destination;
    while (folder.ends_with('/')) folder.pop_back();
    auto target = BH_TRY(make_folder_in_root(root, folder));
    LayerFolder sink(std::move(target));
    OwnedFolder owned(sink, user, request.mode);
    BH_TRY(unpack(archive, owned));
    BH_TRY(sink.finish());
  }
  if (found_.empty()) return {};
  return apply_files(root, request, user);
}

Result<> CopySource::apply_files(int root, CopyRequest const& request,
                                 std::optional<User> user) const {
  auto folder = request.destination;
  bool const only_file = found_.size() == 1 && !found_[0].is_folder;
  if (only_file && !folder.ends_with('/')) {
    // A folder of that name takes the file; else the file is what has the name.
    if (open_in_root(root, folder, O_PATH | O_DIRECTORY)) {
      return fail(Errc::Invalid, "\"" + folder + "\" is a folder; write \"" + folder + "/\"");
    }
    folder = folder.substr(0, folder.rfind('/'));
  }
  while (folder.ends_with('/')) folder.pop_back();
  auto target = BH_TRY(make_folder_in_root(root, folder));
  LayerFolder sink(std::move(target));
  OwnedFolder owned(sink, user, request.mode);
  BH_TRY(unpack(tar_, owned));
  return sink.finish();
}

}  // namespace bh::image::build
