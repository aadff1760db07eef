#include "image/build/stage_builder.h"

#include <fcntl.h>

#include <charconv>
#include <utility>

#include "image/added_layer.h"
#include "image/blob_writer.h"
#include "image/build/made_sources.h"
#include "image/build/placed_mounts.h"
#include "image/build/root_path.h"
#include "image/build/run_step.h"
#include "image/build/user.h"
#include "image/config_change.h"
#include "image/disk_image.h"
#include "image/folder_tar.h"
#include "image/importer.h"
#include "image/limits.h"
#include "image/unpacked_layer.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

std::string joined(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& word : words) text += std::to_string(word.size()) + ":" + word;
  return text;
}

Digest next_key(StageState const& state, std::string const& what) {
  return Digest::of(state.key.text() + "\n" + what);
}

void note(Instruction const& instruction, StageState& state, bool empty_layer) {
  state.config.history.push_back({.created = creation_time(),
                                  .created_by = instruction.shown(),
                                  .comment = {},
                                  .empty_layer = empty_layer});
}

std::vector<std::string> assignments(Variables const& variables) {
  std::vector<std::string> texts;
  for (auto const& [name, value] : variables) texts.push_back(name + "=" + value);
  return texts;
}

Result<std::optional<std::uint32_t>> mode_of(Instruction const& instruction) {
  auto const found = instruction.flags.find("chmod");
  if (found == instruction.flags.end()) return std::nullopt;
  std::uint32_t mode = 0;
  auto const& text = found->second;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error == std::errc() && end == text.data() + text.size() && mode <= 07777) return mode;
  return fail(Errc::Invalid, "--chmod=" + text + ": an octal number, as 755, is expected");
}

}  // namespace

Variables variables_of(StageState const& state) {
  auto variables = state.arguments;
  for (auto const& assignment : state.config.environment) {
    auto const equals = assignment.find('=');
    if (equals == std::string::npos) continue;
    variables[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  return variables;
}

Result<Overlay> mount_state(Store const& store, StageState const& state) {
  std::vector<std::string> folders;
  for (std::size_t i = 0; i < state.layers.size(); ++i) {
    auto folder = BH_TRY(unpacked_layer(store, state.layers[i], state.config.diff_ids.at(i)));
    folders.push_back(std::move(folder));
  }
  return Overlay::mount(folders, store.path() + "/" + kBuildFolder + ".work");
}

Result<> StageBuilder::run(Instruction const& instruction, StageState& state) const {
  switch (instruction.verb) {
    case Verb::Arg: return declare_argument(instruction, state);
    case Verb::Run: return run_command(instruction, state);
    case Verb::Copy:
    case Verb::Add: return copy(instruction, state);
    case Verb::Workdir: return make_working_folder(instruction, state);
    case Verb::Maintainer: return {};
    case Verb::Onbuild: {
      BH_TRY(Dockerfile::parse_trigger(instruction.text));
      state.config.triggers.push_back(instruction.text);
      state.key = next_key(state, instruction.shown());
      note(instruction, state, true);
      return {};
    }
    default: return change_config(instruction, state);
  }
}

Result<> StageBuilder::declare_argument(Instruction const& instruction, StageState& state) const {
  auto const text = BH_TRY(expanded(instruction.text, variables_of(state)));
  auto const words = BH_TRY(shell_words(text));
  for (auto const& word : words) {
    auto const equals = word.find('=');
    auto const name = word.substr(0, equals);
    if (equals != std::string::npos) {
      state.arguments[name] = word.substr(equals + 1);
    } else if (global_arguments_.contains(name)) {
      state.arguments[name] = global_arguments_.at(name);
    }
    auto const given = options_.arguments.find(name);
    if (given != options_.arguments.end()) state.arguments[name] = given->second;
  }
  return {};
}

Result<> StageBuilder::run_command(Instruction const& instruction, StageState& state) const {
  RunRequest request{.words = exec_form(instruction.text),
                     .environment = assignments(variables_of(state)),
                     .working_folder = state.config.working_folder,
                     .user = state.config.user};
  if (request.words.empty()) {
    request.words = state.shell;
    request.words.push_back(instruction.text);
  }
  if (!variables_of(state).contains("PATH")) {
    request.environment.emplace_back(
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
  auto const placed =
      BH_TRY(PlacedMounts::place(instruction, state, store_, options_, find_source_));
  request.mounts = placed.mounts();
  request.secret_variables = placed.variables();
  std::string const verb = options_.run_in_microvm ? "RUN in a microVM " : "RUN ";
  auto const key = next_key(state, verb + joined(request.words) + joined(request.environment) +
                                       request.working_folder + "\n" + request.user + placed.key());
  return add_layer(instruction, key, state, [&]() -> Result<StepLayer> {
    if (options_.run_in_microvm) return make_layer_in_microvm(state, request);
    return make_layer(state, [&](Overlay const& overlay) {
      return run_in_container(overlay, options_.runtime, request);
    });
  });
}

Result<CopyRequest> StageBuilder::copy_request(Instruction const& instruction,
                                               StageState const& state) const {
  auto const variables = variables_of(state);
  auto words = exec_form(instruction.text);
  if (words.empty()) words = BH_TRY(shell_words(instruction.text));
  for (auto& word : words) word = BH_TRY(expanded(word, variables));
  if (words.size() < 2) return fail(Errc::Invalid, "SOURCE... DESTINATION are expected");
  bool const folder = words.back().ends_with('/') || words.back() == "." || words.size() > 2;
  CopyRequest request{
      .sources = {},
      .destination = absolute_path(
          state.config.working_folder.empty() ? "/" : state.config.working_folder, words.back()),
      .mode = {},
      .owner = {},
      .unpacks = instruction.verb == Verb::Add};
  if (folder && !request.destination.ends_with('/')) request.destination += '/';
  words.pop_back();
  for (auto const& word : words) {
    bool const other = word.starts_with("git@") || word.starts_with("ssh://") ||
                       word.starts_with("git://") || word.ends_with(".git");
    if (instruction.verb == Verb::Add && other) {
      return fail(Errc::Unsupported, "ADD of a Git repository; clone it first");
    }
  }
  request.sources = std::move(words);
  request.mode = BH_TRY(mode_of(instruction));
  auto const [first, last] = instruction.flags.equal_range("exclude");
  std::string excluded;
  for (auto flag = first; flag != last; ++flag) {
    auto const pattern = BH_TRY(expanded(flag->second, variables));
    excluded += pattern + "\n";
  }
  request.excluded = Ignore::parse(excluded);
  if (auto const owner = instruction.flags.find("chown"); owner != instruction.flags.end()) {
    request.owner = BH_TRY(expanded(owner->second, variables));
  }
  return request;
}

Result<> StageBuilder::copy(Instruction const& instruction, StageState& state) const {
  auto request = BH_TRY(copy_request(instruction, state));
  auto const made =
      BH_TRY(MadeSources::make(instruction, variables_of(state), options_.transfer.trust,
                               store_.path() + "/" + kBuildFolder + ".work", request));
  auto const from = instruction.flags.find("from");
  std::optional<Overlay> source_mount;
  auto root_path = options_.context;
  if (from != instruction.flags.end()) {
    auto const name = BH_TRY(expanded(from->second, variables_of(state)));
    auto const source_state = BH_TRY(find_source_(name));
    auto mounted = BH_TRY(mount_state(store_, source_state));
    source_mount.emplace(std::move(mounted));
    root_path = source_mount->root();
  }
  if (made) root_path = made->folder();
  auto const root = BH_TRY(os::open_at(AT_FDCWD, root_path, O_RDONLY | O_DIRECTORY));
  Ignore const nothing;
  auto const* const ignore = made ? &nothing : source_mount ? nullptr : &ignore_;
  auto const source = BH_TRY(CopySource::read(root, request, ignore, store_.path()));
  auto const key =
      next_key(state, "COPY " + source.digest().text() + " " + request.owner + " " +
                          std::to_string(request.mode.value_or(0)) + " " + request.destination);
  auto const change = [&](Overlay const& overlay) -> Result<> {
    auto const target = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_RDONLY | O_DIRECTORY));
    std::optional<User> user;
    if (!request.owner.empty()) user = BH_TRY(find_user(target.get(), request.owner));
    return source.apply(target.get(), request, user);
  };
  return add_layer(instruction, key, state, [&] { return make_layer(state, change); });
}

Result<> StageBuilder::make_working_folder(Instruction const& instruction,
                                           StageState& state) const {
  auto const text = BH_TRY(expanded(instruction.text, variables_of(state)));
  auto const words = BH_TRY(shell_words(text));
  if (words.size() != 1) return fail(Errc::Invalid, "one folder is expected");
  auto const& before = state.config.working_folder;
  auto const path = absolute_path(before.empty() ? "/" : before, words[0]);
  state.config.working_folder = path;
  if (path == "/") return {};
  auto const change = [&](Overlay const& overlay) -> Result<> {
    auto const root = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_RDONLY | O_DIRECTORY));
    BH_TRY(make_folder_in_root(root.get(), path));
    return {};
  };
  return add_layer(instruction, next_key(state, "WORKDIR " + path), state,
                   [&] { return make_layer(state, change); });
}

Result<> StageBuilder::change_config(Instruction const& instruction, StageState& state) const {
  auto const words = exec_form(instruction.text);
  bool const is_command = instruction.verb == Verb::Cmd || instruction.verb == Verb::Entrypoint;
  if (instruction.verb == Verb::Shell) {
    if (words.empty()) return fail(Errc::Invalid, "SHELL [\"PROGRAM\", \"ARGUMENT\"] is expected");
    state.shell = words;
    return {};
  }
  if (is_command) {
    auto command = words;
    if (command.empty() && instruction.text != "[]" && !instruction.text.empty()) {
      command = state.shell;
      command.push_back(instruction.text);
    }
    if (instruction.verb == Verb::Entrypoint) state.config.command.clear();
    auto& to = instruction.verb == Verb::Cmd ? state.config.command : state.config.entrypoint;
    to = std::move(command);
  } else {
    auto changed = instruction;
    // That one's command has variables of its own, as CMD.
    if (instruction.verb != Verb::Healthcheck) {
      changed.text = BH_TRY(expanded(instruction.text, variables_of(state)));
    }
    BH_TRY(apply_change(state.config, changed.shown()));
  }
  state.key = next_key(state, instruction.shown());
  note(instruction, state, true);
  return {};
}

Result<StepLayer> StageBuilder::make_layer(StageState const& state, Change const& change) const {
  auto const overlay = BH_TRY(mount_state(store_, state));
  BH_TRY(change(overlay));
  auto writer = BH_TRY(BlobWriter::create(store_));
  TarOptions const upper{.owners = Owners::AsTheyAre,
                         .times = Times::AsTheyAre,
                         .kind = FolderKind::OverlayUpper,
                         .leaves_out = {}};
  BH_TRY(tar_folder(overlay.upper(), upper,
                    [&](std::span<std::byte const> bytes) { return writer.write(bytes); }));
  auto layer = BH_TRY(keep_layer(writer));
  auto const diff_id = layer.digest;
  return StepLayer{.layer = std::move(layer), .diff_id = diff_id};
}

Result<StepLayer> StageBuilder::make_layer_in_microvm(StageState const& state,
                                                      RunRequest const& request) const {
  auto const disk = BH_TRY(disk_image(store_, state.layers, state.config.diff_ids));
  auto writer = BH_TRY(BlobWriter::create(store_));
  auto const status = BH_TRY(
      options_.run_in_microvm(request, disk, [&](std::span<std::byte const> bytes) -> Result<> {
        if (writer.size() + bytes.size() > kLargestBlob) {
          return fail(Errc::Invalid, "the command has written more than a layer may have");
        }
        return writer.write(bytes);
      }));
  BH_TRY(check_status(status));
  auto layer = BH_TRY(keep_layer(writer));
  // The guest has made it.
  auto content = BH_TRY(inspect_layer(store_, layer));
  return StepLayer{.layer = std::move(layer), .diff_id = std::move(content.diff_id)};
}

Result<> StageBuilder::add_layer(Instruction const& instruction, Digest const& key,
                                 StageState& state, MakeLayer const& make) const {
  auto layer = options_.uses_cache ? cached_layer(store_, key) : std::nullopt;
  if (layer) {
    options_.say(" ---> Using cache");
  } else {
    auto made = BH_TRY(make());
    BH_TRY(remember_layer(store_, key, made));
    layer.emplace(std::move(made));
  }
  state.key = key;
  state.layers.push_back(std::move(layer->layer));
  state.config.diff_ids.push_back(std::move(layer->diff_id));
  note(instruction, state, false);
  return {};
}

}  // namespace bh::image::build
