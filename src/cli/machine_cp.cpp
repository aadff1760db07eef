#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>

#include "cli/machines.h"
#include "image/byte_source.h"
#include "image/tar_reader.h"
#include "image/tar_sink.h"
#include "machine/control/copy.h"
#include "machine/copy/sinks.h"
#include "machine/copy/tar.h"
#include "os/file_write.h"
#include "os/text_file.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--archive", "", "Files keep their owners, where we may give them", "-a"},
    Option{"--follow-link", "", "If the source is a symbolic link, what it leads to", "-L"},
};

/// MACHINE:PATH, or a path of the host: that starts with "/" or ".", or has no ":".
struct Place {
  std::string machine;
  std::string path;
};

Place place_of(std::string const& word) {
  auto const colon = word.find(':');
  if (word.starts_with('/') || word.starts_with('.') || colon == word.npos) return {"", word};
  return {word.substr(0, colon), word.substr(colon + 1)};
}

Result<machine::Connection> connect(machine::Store& machines, std::string const& word) {
  auto const record = BH_TRY(machines.find(word));
  if (record.state == machine::State::Paused) {
    return fail(Errc::Busy,
                "machine " + record.name + " is paused (`bulkhead resume " + record.name + "`)");
  }
  return machine::Connection::open(machines, record);
}

Result<os::UniqueFd> open_here(std::string const& path, std::uint64_t flags) {
  return os::open_at(AT_FDCWD, path, static_cast<int>(flags));
}

Result<> copy_out(machine::Connection& connection, std::string const& source,
                  std::string const& target, Options const& options) {
  auto const last = machine::last_name_of(source);
  machine::CopyRequest const ask{
      .out = true, .path = source, .follow = options.has("--follow-link")};
  if (target == "-") {
    os::UniqueFd const out(::dup(STDOUT_FILENO));
    auto const tar = BH_TRY(image::TarSink::open(
        [&](std::span<std::byte const> bytes) { return os::write_all(out, bytes); }));
    machine::RenamedRoot renamed(*tar, last.content ? "" : last.name, {});
    BH_TRY(machine::copy_from(connection, ask, renamed));
    return tar->finish();
  }
  machine::CopyOwners owners;
  // What a machine calls its own is not to have rights here.
  if (!options.has("--archive")) owners.owner.emplace(::geteuid(), ::getegid());
  machine::CopyRequest const put{.path = target, .name = last.name, .content = last.content};
  machine::PlacedCopy placed(put, owners, open_here);
  BH_TRY(machine::copy_from(connection, ask, placed));
  return placed.finish();
}

/// Standard input, with any compression, as the machine is to get it.
Result<> send_archive(image::TarOutput const& write) {
  auto source = BH_TRY(
      image::decompressed(std::make_unique<image::FileSource>(os::UniqueFd(::dup(STDIN_FILENO)))));
  std::array<std::byte, std::size_t{64} * 1024> buffer{};
  auto const tar = BH_TRY(image::TarReader::open([&]() -> Result<std::span<std::byte const>> {
    auto const count = BH_TRY(source->read(buffer));
    return std::span<std::byte const>(buffer).first(count);
  }));
  auto const sink = BH_TRY(image::TarSink::open(write));
  BH_TRY(image::read_tar(*tar, *sink));
  return sink->finish();
}

Result<> copy_in(machine::Connection& connection, std::string const& source,
                 std::string const& target, Options const& options) {
  auto const owners = options.has("--archive") ? image::Owners::AsTheyAre : image::Owners::Root;
  auto const last = machine::last_name_of(source);
  machine::CopyRequest request{.path = target, .name = last.name, .content = last.content};
  if (source == "-") {
    request.archive = true;
    return machine::copy_to(connection, request, send_archive);
  }
  bool const follow =
      options.has("--follow-link") || source.ends_with('/') || source.ends_with("/.");
  auto const what = BH_TRY(open_here(source, follow ? O_PATH : O_PATH | O_NOFOLLOW));
  return machine::copy_to(connection, request, [&](image::TarOutput const& write) {
    return machine::tar_for_copy(what, owners, write);
  });
}

Result<int> cp(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 2, 2, "SOURCE and TARGET"));
  auto const source = place_of(options.words()[0]);
  auto const target = place_of(options.words()[1]);
  if (source.machine.empty() == target.machine.empty()) {
    return fail(
        Errc::Invalid,
        "one of SOURCE and TARGET must be MACHINE:PATH, the other a path of this host or -");
  }
  bool const out = !source.machine.empty();
  if (source.path.empty() || target.path.empty()) {
    return fail(Errc::Invalid, "MACHINE:PATH without a PATH");
  }
  auto machines = BH_TRY(open_machines(options));
  auto connection = BH_TRY(connect(machines, out ? source.machine : target.machine));
  auto done = out ? copy_out(connection, source.path, target.path, options)
                  : copy_in(connection, source.path, target.path, options);
  if (done) return 0;
  return std::unexpected(std::move(done).error().while_doing("copy " + options.words()[0] + " to " +
                                                             options.words()[1]));
}

}  // namespace

constinit Command const kCp{
    .name = "cp",
    .usage = "cp [OPTION...] MACHINE:PATH PATH|- or cp [OPTION...] PATH|- MACHINE:PATH",
    .summary = "Copy files out of a running machine, or into it; - is a tar",
    .example =
        "bulkhead cp web:/etc/hosts .\n"
        "bulkhead cp index.html web:/usr/share/nginx/html/",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = cp,
};

}  // namespace bh::cli
