// `secret create` and `secret rm`.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "cli/machine_definition.h"
#include "cli/machines.h"
#include "cli/secret.h"
#include "os/text_file.h"

namespace bh::cli {

namespace {

constexpr std::array kCreateOptions{
    kMachineRootOption,
    Option{"--env", "", "FILE is the name of a variable of ours that has the value"},
    Option{"--label", "NAME=VALUE", "A note for people; as often as needed", "-l"},
    Option{"--replace", "", "Instead of the value that the name has"},
};
constexpr std::array kRmOptions{
    kMachineRootOption,
    Option{"--all", "", "All that no machine has", "-a"},
    Option{"--ignore", "", "No complaint about those that are not there", "-i"},
};

Result<std::string> read_value(Options const& options) {
  auto const words = options.words();
  std::string const source = words.size() > 1 ? words[1] : "-";
  if (options.has("--env")) {
    auto const* const value = std::getenv(source.c_str());
    if (value != nullptr) return std::string(value);
    return fail(Errc::NotFound, "--env: there is no variable " + source);
  }
  if (source != "-") {
    auto const file = BH_TRY(os::open_at(AT_FDCWD, source, O_RDONLY));
    auto value = os::read_text(file, machine::kLargestSecret);
    if (!value) return std::unexpected(std::move(value).error().while_doing(source));
    return value;
  }
  if (words.size() < 2 && ::isatty(STDIN_FILENO) == 1) {
    return fail(Errc::Invalid, "FILE expected, or - for standard input");
  }
  os::UniqueFd const input(::dup(STDIN_FILENO));
  auto value = os::read_text(input, machine::kLargestSecret);
  if (!value) return std::unexpected(std::move(value).error().while_doing("standard input"));
  return value;
}

Result<int> create(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 2, "NAME and FILE"));
  auto const value = BH_TRY(read_value(options));
  if (value.empty() || value.size() > machine::kLargestSecret) {
    return fail(Errc::Invalid, fmt::format("a secret has 1 to {} bytes, this one has {}",
                                           machine::kLargestSecret, value.size()));
  }
  auto machines = BH_TRY(open_machines(options));
  machine::Secret secret{.name = options.words()[0]};
  secret.labels = BH_TRY(labels_of(options));
  using Replace = machine::Store::Replace;
  auto const made = BH_TRY(machines.add_secret(
      std::move(secret), value, options.has("--replace") ? Replace::Yes : Replace::No));
  context.out << made.id << "\n";
  return 0;
}

Result<int> rm_all(Context& context, machine::Store& machines) {
  auto const secrets = BH_TRY(machines.secrets());
  for (auto const& secret : secrets) {
    auto const removed = machines.remove_secret(secret.name);
    if (removed) context.out << secret.id << "\n";
    bool const left =
        !removed && (removed.error().code == Errc::Busy || removed.error().code == Errc::NotFound);
    if (!removed && !left) return std::unexpected(removed.error());
  }
  return 0;
}

Result<int> rm(Context& context, Options const& options) {
  if (options.words().empty() != options.has("--all")) {
    return fail(Errc::Invalid, "SECRET... or --all expected (`bulkhead secret ls` lists them)");
  }
  auto machines = BH_TRY(open_machines(options));
  if (options.has("--all")) return rm_all(context, machines);
  int status = 0;
  for (auto const& word : options.words()) {
    auto const secret = machines.find_secret(word);
    auto const removed =
        secret ? machines.remove_secret(secret->name) : std::unexpected(secret.error());
    bool const absent = !removed && removed.error().code == Errc::NotFound;
    if (removed) context.out << secret->id << "\n";
    if (removed || (absent && options.has("--ignore"))) continue;
    fmt::print(stderr, "bulkhead: {}\n", removed.error().message);
    status = 1;
  }
  return status;
}

}  // namespace

constinit Command const kSecretCreate{
    .name = "create",
    .usage = "secret create [OPTION...] NAME [FILE|-]",
    .summary = "Keep a value: what is in a file, or comes through standard input",
    .example = "bulkhead secret create password password.txt",
    .options = kCreateOptions,
    .order = WordOrder::Mixed,
    .run = create,
};

constinit Command const kSecretRm{
    .name = "rm",
    .usage = "secret rm [OPTION...] SECRET...",
    .summary = "Remove secrets that no machine has",
    .example = "bulkhead secret rm password",
    .options = kRmOptions,
    .order = WordOrder::Mixed,
    .run = rm,
};

}  // namespace bh::cli
