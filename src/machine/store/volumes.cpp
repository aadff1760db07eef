// Volumes: rows beside those of the machines that use them.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>

#include "image/json.h"
#include "machine/machine_name.h"
#include "machine/store/store.h"
#include "os/folder.h"
#include "os/user_namespace.h"

namespace bh::machine {

namespace {

Result<Volume> volume_of(Statement const& row) {
  Volume volume{.name = row.text(0), .created = row.number(1), .anonymous = row.number(3) != 0};
  auto const labels = BH_TRY(image::parse_object(row.text(2)));
  for (auto const& [name, value] : labels) {
    if (value.is_string()) volume.labels[name] = value.get_string();
  }
  return volume;
}

std::unexpected<Error> no_volume(std::string const& name) {
  return fail(Errc::NotFound, "no volume \"" + name + "\" (`bulkhead volume ls` lists them)");
}

}  // namespace

Result<> Store::insert_volume(Volume const& volume) {
  auto insert = BH_TRY(database_.prepare(
      "INSERT OR IGNORE INTO volumes (name, created, labels, anonymous) VALUES (?, ?, ?, ?)"));
  boost::json::object labels;
  for (auto const& [name, value] : volume.labels) labels[name] = value;
  insert.bind(1, volume.name);
  insert.bind(2, now());
  insert.bind(3, std::string_view(boost::json::serialize(labels)));
  insert.bind(4, std::int64_t{volume.anonymous});
  return insert.run();
}

Result<> Store::insert_volumes(Definition& definition) {
  for (auto& mount : definition.mounts) {
    if (mount.kind != MountKind::Volume) continue;
    Volume volume{.name = mount.source, .anonymous = mount.source.empty()};
    if (volume.anonymous) volume.name = random_id() + random_id();
    mount.source = volume.name;
    BH_TRY(insert_volume(volume));
  }
  return {};
}

Result<Volume> Store::add_volume(Volume volume) {
  if (volume.name.empty()) {
    volume.anonymous = true;
    volume.name = random_id() + random_id();
  }
  BH_TRY(check_name(volume.name));
  BH_TRY(insert_volume(volume));
  return find_volume(volume.name);
}

Result<std::vector<Volume>> Store::volumes() {
  auto query = BH_TRY(database_.prepare(
      "SELECT name, created, labels, anonymous FROM volumes ORDER BY created, rowid"));
  std::vector<Volume> volumes;
  while (true) {
    bool const more = BH_TRY(query.step());
    if (!more) return volumes;
    auto volume = BH_TRY(volume_of(query));
    volumes.push_back(std::move(volume));
  }
}

Result<Volume> Store::find_volume(std::string const& name) {
  auto const all = BH_TRY(volumes());
  auto const found = std::ranges::find(all, name, &Volume::name);
  if (found == all.end()) return no_volume(name);
  return *found;
}

Result<std::vector<Record>> Store::users_of(Volume const& volume) {
  auto records = BH_TRY(all());
  std::erase_if(records, [&](Record const& record) {
    return std::ranges::none_of(record.definition.mounts, [&](Mount const& mount) {
      return mount.kind == MountKind::Volume && mount.source == volume.name;
    });
  });
  return records;
}

Result<> Store::remove_volume(std::string const& name) {
  // A name no volume has: what is left of one that was removed.
  auto const gone = root_ + "/volumes/." + random_id();
  {
    auto transaction = BH_TRY(Transaction::begin(database_));
    auto const volume = BH_TRY(find_volume(name));
    auto const users = BH_TRY(users_of(volume));
    if (!users.empty()) {
      auto const& user = users.front().name;
      return fail(Errc::Busy, "volume \"" + name + "\" is in use by machine " + user +
                                  " (`bulkhead rm " + user + "` first)");
    }
    auto drop = BH_TRY(database_.prepare("DELETE FROM volumes WHERE name = ?"));
    drop.bind(1, name);
    BH_TRY(drop.run());
    // Before others see that the name is free.
    if (std::rename(folder_of_volume(name).c_str(), gone.c_str()) != 0 && errno != ENOENT) {
      return fail_errno("remove volume " + name, errno);
    }
    BH_TRY(transaction.commit());
  }
  return os::remove_foreign_tree(AT_FDCWD, gone);
}

Result<> Store::remove_anonymous_volumes(Definition const& definition) {
  for (auto const& mount : definition.mounts) {
    if (mount.kind != MountKind::Volume) continue;
    auto const volume = find_volume(mount.source);
    if (!volume || !volume->anonymous) continue;
    auto const removed = remove_volume(volume->name);
    // Another machine may have been told its name.
    if (!removed && removed.error().code != Errc::Busy) return removed;
  }
  return {};
}

Result<> Store::sweep_volumes() {
  auto const names = BH_TRY(os::names_in(AT_FDCWD, root_ + "/volumes"));
  for (auto const& name : names) {
    // Who removes it just now may be faster.
    if (name.starts_with('.')) (void)os::remove_foreign_tree(AT_FDCWD, root_ + "/volumes/" + name);
  }
  return {};
}

}  // namespace bh::machine
