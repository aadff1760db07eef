#include "cli/commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ranges>
#include <span>
#include <sstream>

namespace bh::cli {
namespace {

using Words = std::vector<std::string>;

struct Outcome {
  std::string out;
  Result<int> status;
};

Outcome run(Words const& arguments) {
  std::ostringstream out;
  Context context{.out = out};
  auto status = run_command_line(context, arguments);
  return {.out = out.str(), .status = std::move(status)};
}

std::string error_of(Words const& arguments) {
  auto const outcome = run(arguments);
  return outcome.status ? "no error" : outcome.status.error().message;
}

TEST(Commands, ShowsAllCommandsInHelp) {
  auto const outcome = run({"help"});
  EXPECT_EQ(outcome.status, 0);
  for (auto const* const command : commands()) {
    EXPECT_NE(outcome.out.find(command->summary), std::string::npos) << command->name;
  }
  EXPECT_EQ(run({"--help"}).out, outcome.out);
}

TEST(Commands, ShowsTheOptionsOfOneCommand) {
  auto const outcome = run({"help", "run"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("--kernel FILE"), std::string::npos);
  EXPECT_EQ(run({"run", "--help"}).out, outcome.out);
}

/// What a shell makes of a line without variables and the like.
Words words_of(std::string_view line) {
  Words words(1);
  bool quoted = false;
  for (char const c : line) {
    if (c == '\'') quoted = !quoted;
    if (c == ' ' && !quoted) words.emplace_back();
    if (c != '\'' && (c != ' ' || quoted)) words.back() += c;
  }
  return words;
}

/// The line is one of `command`, whose path is `path`, or of one in it.
void expect_known(std::string_view line, Command const* command, Words path) {
  auto const words = words_of(line);
  path.insert(path.begin(), "bulkhead");
  ASSERT_GE(words.size(), path.size()) << line;
  EXPECT_TRUE(std::ranges::equal(path, std::span(words).first(path.size()))) << line;
  auto rest = std::span(words).subspan(path.size());
  while (!command->commands.empty()) {
    ASSERT_FALSE(rest.empty()) << line;
    auto const inner = std::ranges::find(command->commands, rest[0], &Command::name);
    ASSERT_NE(inner, command->commands.end()) << line;
    command = *inner;
    rest = rest.subspan(1);
  }
  auto const options = parse_options(command->options, rest, command->order);
  EXPECT_TRUE(options) << line << ": " << options.error().message;
}

void expect_examples(std::span<Command const* const> table, Words const& path) {
  for (auto const* const command : table) {
    auto here = path;
    here.emplace_back(command->name);
    auto help = here;
    help.emplace_back("--help");
    EXPECT_NE(run(help).out.find("\nExample:\n  bulkhead "), std::string::npos) << command->usage;
    for (auto const line : std::views::split(command->example, '\n')) {
      expect_known({line.begin(), line.end()}, command, here);
    }
    expect_examples(command->commands, here);
  }
}

TEST(Commands, HaveExamplesOfWhatTheyKnow) {
  expect_examples(commands(), {});
}

TEST(Commands, ShowsTheVersion) {
  EXPECT_EQ(run({"version"}).out.substr(0, 10), "bulkhead v");
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
}

TEST(Commands, SuggestsTheCommandThatWasMeant) {
  EXPECT_EQ(error_of({"rnu"}), "\"rnu\" is not a command; did you mean \"run\"?");
  EXPECT_EQ(error_of({"verson"}), "\"verson\" is not a command; did you mean \"version\"?");
  EXPECT_EQ(error_of({"frobnicate"}), "\"frobnicate\" is not a command; see `bulkhead help`");
}

TEST(Commands, NamesTheCommandInErrors) {
  EXPECT_EQ(error_of({"run", "--frob"}), "run: unknown option --frob; see `bulkhead help run`");
  EXPECT_EQ(error_of({"run"}),
            "run: an IMAGE is expected, or --initrd FILE (see bulkhead run --help)");
  EXPECT_EQ(error_of({"run", "--isolation", "chroot", "--initrd", "i"}),
            "run: isolation \"chroot\": must be microvm or container");
  EXPECT_EQ(error_of({"run", "--initrd", "i", "--cpus", "33"}),
            "run: --cpus \"33\": must be a number from 1 to 32");
  EXPECT_EQ(error_of({"run", "--initrd", "i", "--memory", "1G"}),
            "run: --memory \"1G\": must be a number from 1 to 1048576");
}

TEST(Commands, HaveCommandsOfTheirOwn) {
  EXPECT_NE(run({"help", "image"}).out.find("pull"), std::string::npos);
  EXPECT_EQ(run({"image", "--help"}).out, run({"help", "image"}).out);
  EXPECT_NE(run({"help", "image", "ls"}).out.find("-q, --quiet"), std::string::npos);
  EXPECT_EQ(run({"image", "ls", "--help"}).out, run({"help", "image", "ls"}).out);
  EXPECT_EQ(error_of({"image", "pul"}), "image: \"pul\" is not a command; did you mean \"pull\"?");
  EXPECT_EQ(error_of({"image", "ls", "--frob"}),
            "image ls: unknown option --frob; see `bulkhead help image ls`");
  EXPECT_EQ(error_of({"help", "image", "frob"}), "help: \"frob\" is not a command of image");
}

TEST(Options, MayStandBetweenWordsAndHaveLetters) {
  constexpr Option kKnown[] = {{"--all", "", "", "-a"}, {"--b", "V", ""}};
  auto const options = parse_options(kKnown, Words{"x", "-a", "y", "--b", "1", "--b=2", "--", "-z"},
                                     WordOrder::Mixed);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_TRUE(options->has("--all"));
  EXPECT_EQ(options->values("--b"), (Words{"1", "2"}));
  EXPECT_EQ(Words(options->words().begin(), options->words().end()), (Words{"x", "y", "-z"}));
}

TEST(Options, OfOneLetterMayStandTogether) {
  constexpr Option kKnown[] = {
      {"--tty", "", "", "-t"}, {"--in", "", "", "-i"}, {"--e", "V", "", "-e"}};
  auto const options = parse_options(kKnown, Words{"-it", "-e", "x", "y"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_TRUE(options->has("--tty"));
  EXPECT_TRUE(options->has("--in"));
  EXPECT_EQ(parse_options(kKnown, Words{"-ie", "x"}).error().message, "unknown option -ie");
}

TEST(Options, EndAtTheFirstWord) {
  constexpr Option kKnown[] = {{"--a", "", ""}, {"--b", "V", ""}};
  auto const options = parse_options(kKnown, Words{"--a", "--b", "1", "--b=2", "ls", "--a"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->has("--a"));
  EXPECT_EQ(options->value("--b"), "2");
  EXPECT_EQ(Words(options->words().begin(), options->words().end()), (Words{"ls", "--a"}));
}

TEST(Options, EndAtTwoDashes) {
  constexpr Option kKnown[] = {{"--a", "", ""}};
  auto const options = parse_options(kKnown, Words{"--", "--a", "--"});
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->has("--a"));
  EXPECT_EQ(Words(options->words().begin(), options->words().end()), (Words{"--a", "--"}));
}

TEST(Options, SayWhatIsWrong) {
  constexpr Option kKnown[] = {{"--a", "", ""}, {"--b", "V", ""}};
  EXPECT_EQ(parse_options(kKnown, Words{"--b"}).error().message, "--b needs a value: V");
  EXPECT_EQ(parse_options(kKnown, Words{"--a=1"}).error().message, "--a takes no value");
  EXPECT_EQ(parse_options(kKnown, Words{"-x"}).error().message, "unknown option -x");
}

}  // namespace
}  // namespace bh::cli
