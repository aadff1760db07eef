#include "image/build/builder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "image/adding.h"
#include "image/build/dockerfile.h"
#include "image/build/ignore.h"
#include "image/build/overlay.h"
#include "image/build/run_mount.h"
#include "image/build/stage_builder.h"
#include "image/image.h"
#include "image/importer.h"
#include "image/limits.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

constexpr char kScratch[] = "scratch";

class Builder {
 public:
  Builder(Store const& store, BuildOptions const& options, Dockerfile file, Ignore ignore)
      : store_(store),
        options_(options),
        file_(std::move(file)),
        ignore_(std::move(ignore)),
        states_(file_.stages.size()) {}

  Result<NamedImage> run() {
    BH_TRY(read_global_arguments());
    auto const target = BH_TRY(target_stage());
    mark_needed(target);
    for (std::size_t i = 0; i <= target; ++i) {
      if (needed_.contains(i)) total_ += file_.stages[i].instructions.size() + 1;
    }
    for (std::size_t i = 0; i <= target; ++i) {
      if (needed_.contains(i)) BH_TRY(build_stage(i));
    }
    return finish(*states_[target]);
  }

 private:
  Result<> read_global_arguments() {
    for (auto const& instruction : file_.arguments) {
      auto const text = BH_TRY(expanded(instruction.text, global_));
      auto const words = BH_TRY(shell_words(text));
      for (auto const& word : words) {
        auto const equals = word.find('=');
        auto const name = word.substr(0, equals);
        if (equals != std::string::npos) global_[name] = word.substr(equals + 1);
        auto const given = options_.arguments.find(name);
        if (given != options_.arguments.end()) global_[name] = given->second;
      }
    }
    return {};
  }

  /// The stage of that name or number before `end`; nothing if there is none.
  std::optional<std::size_t> find_stage(std::string const& name, std::size_t end) const {
    std::size_t number = 0;
    auto const [rest, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && rest == name.data() + name.size() && number < end) return number;
    auto lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    for (std::size_t i = end; i-- > 0;) {
      if (file_.stages[i].name == lower) return i;
    }
    return std::nullopt;
  }

  Result<std::size_t> target_stage() const {
    if (options_.target.empty()) return file_.stages.size() - 1;
    auto const found = find_stage(options_.target, file_.stages.size());
    if (found) return *found;
    return fail(Errc::NotFound, "there is no stage \"" + options_.target + "\"");
  }

  /// Stages or images that the instruction takes files from.
  static std::vector<std::string> sources_of(Instruction const& instruction) {
    std::vector<std::string> names;
    for (auto const& [flag, value] : instruction.flags) {
      if (flag == "from") names.push_back(value);
      auto const mount = flag == "mount" ? parse_run_mount(value) : RunMount();
      if (mount && !mount->from.empty()) names.push_back(mount->from);
    }
    return names;
  }

  void mark_needed(std::size_t stage) {
    if (!needed_.insert(stage).second) return;
    if (auto const base = find_stage(file_.stages[stage].base, stage)) mark_needed(*base);
    for (auto const& instruction : file_.stages[stage].instructions) {
      for (auto const& name : sources_of(instruction)) {
        if (auto const source = find_stage(name, stage)) mark_needed(*source);
      }
    }
  }

  void say_step(std::string const& what) {
    options_.say("Step " + std::to_string(++step_) + "/" + std::to_string(total_) + " : " + what);
  }

  Result<> build_stage(std::size_t number) {
    auto const& stage = file_.stages[number];
    say_step("FROM " + stage.base + (stage.name.empty() ? "" : " AS " + stage.name));
    auto state = base_state(stage, number);
    if (!state) return at_line(stage.line, std::move(state).error());
    StageBuilder const builder(
        store_, options_, ignore_, global_,
        [this, number](std::string const& name) { return source_state(name, number); });
    // They are for this stage, not for those who begin with its image.
    auto const triggers = std::exchange(state->config.triggers, {});
    for (auto const& text : triggers) {
      say_step("ONBUILD " + text);
      auto const trigger = Dockerfile::parse_trigger(text);
      auto done = trigger ? builder.run(*trigger, *state) : std::unexpected(trigger.error());
      if (!done) {
        return at_line(stage.line,
                       std::move(done).error().while_doing("ONBUILD of \"" + stage.base + "\""));
      }
    }
    for (auto const& instruction : stage.instructions) {
      say_step(instruction.shown());
      auto done = builder.run(instruction, *state);
      if (!done) return at_line(instruction.line, std::move(done).error());
    }
    states_[number].emplace(std::move(*state));
    return {};
  }

  static std::unexpected<Error> at_line(std::size_t line, Error error) {
    return std::unexpected(std::move(error).while_doing("line " + std::to_string(line)));
  }

  Result<StageState> base_state(Stage const& stage, std::size_t number) {
    auto const name = BH_TRY(expanded(stage.base, global_));
    StageState state;
    state.config.platform = options_.transfer.platform;
    if (!stage.platform.empty()) {
      auto const wanted = BH_TRY(expanded(stage.platform, global_));
      state.config.platform = BH_TRY(Platform::parse(wanted));
    }
    if (name == kScratch) return state;
    auto from = BH_TRY(source_state(name, number));
    // ARGs and SHELL end with their stage.
    from.arguments.clear();
    from.shell = state.shell;
    return from;
  }

  /// A stage before this one, or an image, which is fetched if it is not here.
  Result<StageState> source_state(std::string const& name, std::size_t before) {
    if (auto const stage = find_stage(name, before)) return *states_[*stage];
    auto image = find_image(store_, name);
    if (!image) {
      auto const reference = BH_TRY(Reference::parse(name));
      auto const pulled = BH_TRY(registry::pull(store_, reference, options_.transfer));
      image = load_image(store_, pulled.image);
    }
    if (!image) return std::unexpected(std::move(image).error());
    BH_TRY(claim_image(store_, *image));
    StageState state;
    state.config = image->config;
    state.layers = image->manifest.layers;
    state.key = image->entry.manifest.digest;
    return state;
  }

  Result<NamedImage> finish(StageState const& state) {
    if (state.layers.empty()) return fail(Errc::Invalid, "it makes an image without any files");
    auto config = state.config;
    config.created = creation_time();
    std::vector<std::string> tags = options_.tags;
    if (tags.empty()) tags.emplace_back();
    std::optional<NamedImage> last;
    for (auto const& tag : tags) {
      auto image = BH_TRY(add_image(store_, tag, config, state.layers));
      last.emplace(std::move(image));
    }
    return std::move(*last);
  }

  Store const& store_;
  BuildOptions const& options_;
  Dockerfile file_;
  Ignore ignore_;
  std::vector<std::optional<StageState>> states_;
  Variables global_;
  std::set<std::size_t> needed_;
  std::size_t step_ = 0;
  std::size_t total_ = 0;
};

Result<Ignore> read_ignore(std::string const& context) {
  auto const text = os::read_text_at(AT_FDCWD, context + "/.dockerignore", kDocumentLimit);
  if (!text && text.error().code == Errc::NotFound) return Ignore();
  if (!text) return std::unexpected(text.error());
  return Ignore::parse(*text);
}

}  // namespace

Result<NamedImage> build(Store const& store, BuildOptions const& options) {
  if (::geteuid() != 0) {
    return fail(Errc::Denied, "to build images needs root, for mounts and containers; try sudo");
  }
  auto const path =
      options.dockerfile.empty() ? options.context + "/Dockerfile" : options.dockerfile;
  auto const text = BH_TRY(os::read_text_at(AT_FDCWD, path, kDocumentLimit));
  auto file = Dockerfile::parse(text);
  if (!file) return std::unexpected(std::move(file).error().while_doing(path));
  auto ignore = BH_TRY(read_ignore(options.context));
  auto const adding = BH_TRY(store.begin_adding());
  BH_TRY(Overlay::separate_mounts());
  auto image = Builder(store, options, std::move(*file), std::move(ignore)).run();
  if (!image) return std::unexpected(std::move(image).error().while_doing(path));
  return image;
}

}  // namespace bh::image::build
