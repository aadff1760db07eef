#include "image/build/dockerfile.h"

#include <gtest/gtest.h>

#include "image/build/ignore.h"
#include "image/build/variables.h"

namespace bh::image::build {
namespace {

std::string error_of(std::string_view text) {
  auto const file = Dockerfile::parse(text);
  return file ? "none" : file.error().message;
}

TEST(Dockerfile, IsReadIntoStages) {
  auto const file = Dockerfile::parse(
      "# syntax=docker/dockerfile:1\n"
      "ARG VERSION=12\n"
      "FROM debian:$VERSION AS Build\n"
      "RUN apt-get update && \\\n"
      "    # a comment within\n"
      "    apt-get install -y gcc\n"
      "COPY --chown=1:2 . /src\n"
      "\n"
      "from --platform=linux/amd64 scratch\n"
      "copy --from=build /src/a /a\n"
      "CMD [\"/a\"]\n");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->arguments.size(), 1u);
  ASSERT_EQ(file->stages.size(), 2u);
  auto const& build = file->stages[0];
  EXPECT_EQ(build.base, "debian:$VERSION");
  EXPECT_EQ(build.name, "build");
  ASSERT_EQ(build.instructions.size(), 2u);
  EXPECT_EQ(build.instructions[0].text, "apt-get update && apt-get install -y gcc");
  EXPECT_EQ(build.instructions[0].line, 4u);
  EXPECT_EQ(build.instructions[1].shown(), "COPY --chown=1:2 . /src");
  EXPECT_EQ(file->stages[1].platform, "linux/amd64");
  EXPECT_EQ(file->stages[1].instructions[0].flags.find("from")->second, "build");
}

TEST(Dockerfile, HasDocumentsInIt) {
  auto const file = Dockerfile::parse(
      "FROM a\n"
      "RUN <<EOF\n"
      "# no comment of ours\n"
      "one \\\n"
      "two\n"
      "EOF\n"
      "RUN --mount=type=tmpfs,target=/t --mount=type=cache,target=/c cat <<-A 2<<'B' # x\n"
      "\tfirst\n"
      "\tA\n"
      "second\n"
      "B\n"
      "COPY --exclude=*.o --exclude=x <<one.txt <<\"two\" <<TEXT /dir/\n"
      "1\n"
      "one.txt\n"
      "$A\n"
      "two\n"
      "TEX T\n"
      "TEXT\n"
      "RUN echo \"<<NO\" $((1 <<2)) <<<here\n"
      "CMD <<NO\n");
  ASSERT_TRUE(file) << file.error().message;
  auto const& instructions = file->stages[0].instructions;
  ASSERT_EQ(instructions.size(), 5u);
  EXPECT_EQ(instructions[0].text, "# no comment of ours\none \\\ntwo\n");
  EXPECT_EQ(instructions[1].text, "cat <<-A 2<<'B' # x\nfirst\nA\nsecond\nB\n");
  EXPECT_EQ(instructions[1].flags.count("mount"), 2u);
  EXPECT_EQ(instructions[1].line, 7u);
  auto const& documents = instructions[2].documents;
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[0].name, "one.txt");
  EXPECT_EQ(documents[1].name, "two");
  EXPECT_FALSE(documents[1].expands);
  EXPECT_EQ(documents[1].content, "$A\n");
  EXPECT_EQ(documents[2].content, "TEX T\n");
  EXPECT_EQ(instructions[3].line, 19u);
}

TEST(Dockerfile, MayHaveAnotherEscape) {
  auto const file = Dockerfile::parse("# escape=`\nFROM a\nRUN a `\n b\\\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->stages[0].instructions[0].text, "a b\\");
}

TEST(Dockerfile, SaysWhichLineIsWrong) {
  EXPECT_EQ(error_of(""), "it has no FROM");
  EXPECT_EQ(error_of("RUN x"), "line 1: only ARG may stand before FROM");
  EXPECT_EQ(error_of("FROM a\n\nFROB x"), "line 3: \"FROB\" is no instruction");
  EXPECT_EQ(error_of("FROM a AS"), "line 1: expected FROM IMAGE [AS NAME]");
  EXPECT_EQ(error_of("FROM a\nRUN"), "line 2: RUN needs to be told what");
  EXPECT_EQ(error_of("FROM a\nONBUILD"), "line 2: ONBUILD needs to be told what");
  EXPECT_EQ(error_of("FROM a\nRUN --mount=type=ssh x"),
            "line 2: --mount: type=ssh is not supported; bind, cache, tmpfs and secret are");
  EXPECT_EQ(error_of("FROM a\nRUN --mount=type=cache x"), "line 2: --mount: target is expected");
  EXPECT_EQ(error_of("FROM a\nRUN --network=none x"), "line 2: --network is not supported there");
  EXPECT_EQ(error_of("FROM a\nCOPY --parents a b"), "line 2: --parents is not supported there");
  EXPECT_EQ(error_of("FROM a\nCOPY --chmod=1 --chmod=2 a b"), "line 2: --chmod is given twice");
  EXPECT_EQ(error_of("FROM a\nRUN <<EOF\nx"), "line 2: the here-document EOF has no end");
  EXPECT_TRUE(error_of("FROM a\nRUN <<EOF\n#!/bin/x\nEOF").starts_with("line 2: a here-document"));
}

TEST(Variables, AreExpandedAsDockerfilesKnowThem) {
  Variables const variables{{"A", "one"}, {"B", ""}};
  struct {
    char const* text;
    char const* expected;
  } const rows[] = {
      {"$A/${A}x", "one/onex"},
      {"$C", ""},
      {"${B:-two}", "two"},
      {"${A:-two}", "one"},
      {"${A:+three}", "three"},
      {"${B:+three}", ""},
      {"${C:-${A:-x}}!", "one!"},
      {"\\$A", "$A"},
      {"'$A' \"$A\"", "'$A' \"one\""},
      {"5$", "5$"},
  };
  for (auto const& row : rows) EXPECT_EQ(expanded(row.text, variables).value(), row.expected);
  for (auto const* text : {"${", "${A", "${A:-x", "${A?x}"})
    EXPECT_FALSE(expanded(text, variables));
}

TEST(Variables, LeaveWordsOfAShell) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(shell_words("a  'b c' d\\ e \"\" f\"g\"h").value(),
            (Words{"a", "b c", "d e", "", "fgh"}));
  EXPECT_FALSE(shell_words("'a"));
}

TEST(Ignore, LeavesOutWhatItsLastPatternSays) {
  auto const ignore = Ignore::parse("# comment\n*.o\n/build/\n**/secret\ndocs\n!docs/kept.md\n");
  for (auto const* path : {"a.o", "build", "build/x/y", "secret", "a/b/secret", "docs/x.md"}) {
    EXPECT_TRUE(ignore.leaves_out(path)) << path;
  }
  for (auto const* path : {"a.c", "sub/a.o", "builds", "docs/kept.md", "secrets"}) {
    EXPECT_FALSE(ignore.leaves_out(path)) << path;
  }
}

TEST(Matches, KnowsTheLettersOfPatterns) {
  EXPECT_TRUE(matches("a?c[x-z]*", "abcyfoo"));
  EXPECT_TRUE(matches("[^a]b", "cb"));
  EXPECT_FALSE(matches("[^a]b", "ab"));
  EXPECT_FALSE(matches("*", "a/b"));
  EXPECT_TRUE(matches("**", "a/b"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches(std::string(500, '*') + "b", std::string(500, 'a')));
}

}  // namespace
}  // namespace bh::image::build
