"""Each rule of the lint finds what it is for, and leaves right code alone."""

import pathlib

import pytest

import lint
import summary
from rules import includes, text, tree

Path = pathlib.PurePosixPath


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return sorted(Path(name) for name in files)


def found(root, files):
    return list(lint.complaints(root, write(root, files)))


def test_a_clean_tree_has_no_complaints(tmp_path):
    assert found(tmp_path, {
        "src/base/a.h": "#pragma once\n",
        "src/os/b.h": '#pragma once\n#include "base/a.h"\n',
        "src/os/b.cpp": '#include "os/b.h"\n\n#include <string>\n',
    }) == []


@pytest.mark.parametrize("layer, target, allowed", [
    ("base", "os/file.h", False),
    ("os", "base/error.h", True),
    ("vmm", "machine/store.h", False),
    ("machine", "vmm/api/config.h", True),
    ("machine", "vmm/bus/bus.h", False),
    ("project", "machine/definition/machine.h", True),
    ("project", "machine/definition.h", True),
    ("project", "machine/store.h", False),
    ("cli", "vmm/api/config.h", False),
    ("main", "vmm/vm/vm.h", True),
])
def test_layers_are_held(layer, target, allowed):
    assert includes.may_include(layer, target) == allowed


def test_an_include_that_is_not_from_src_is_found(tmp_path):
    complaints = found(tmp_path, {"src/os/a.h": '#pragma once\n#include "b.h"\n', "src/os/b.h": "#pragma once\n"})
    assert complaints == ["src/os/a.h:2: b.h is not a path from src/"]


@pytest.mark.parametrize("name", ["a.cpp", "a_test.cpp"])
def test_the_own_header_comes_first(tmp_path, name):
    complaints = found(tmp_path, {
        "src/os/a.h": "#pragma once\n",
        f"src/os/{name}": '#include <string>\n\n#include "os/a.h"\n',
    })
    assert complaints == [f"src/os/{name}: the first include must be os/a.h"]


def test_a_header_without_pragma_once_is_found(tmp_path):
    assert found(tmp_path, {"src/os/a.h": "int f();\n"}) == ["src/os/a.h: no #pragma once"]


def test_an_unknown_layer_is_found(tmp_path):
    assert "not a layer" in found(tmp_path, {"src/util/a.h": "#pragma once\n"})[0]


@pytest.mark.parametrize("line, right", [
    ("  BH_TRY(stop(name));", True),
    ("  auto const value = BH_TRY(read(file));", True),
    ("  auto [a, b] = BH_TRY(read(file));", True),
    ("  return Pair{std::make_unique<int>(5), BH_TRY(bad())};", False),
    ("  use(BH_TRY(read(file)));", False),
    ("  raw.msrs = BH_TRY(read_msrs(vcpu));", True),
    ("  for (auto const& part : parts) BH_TRY(check(part));", True),
    ("  if (size != 0) total = BH_TRY(add(size));", True),
    ("  if (BH_TRY(is_open(file))) close(file);", False),
    ("  return a + BH_TRY(b());", False),
    ("  // BH_TRY(x) as prose", True),
])
def test_bh_try_stands_alone(line, right):
    assert (list(text.complaints(Path("src/os/a.cpp"), line)) == []) == right


def test_long_files_are_found_and_data_is_not():
    lines = "x\n" * 401
    assert "401 lines" in next(text.complaints(Path("src/os/a.cpp"), lines))
    assert list(text.complaints(Path("tests/isa/form.s"), lines)) == []


@pytest.mark.parametrize("line, words", [
    ("// TODO: later", "TODO"),
    ("// FIXME: slow", "condition"),
    ("// FIXME: copy again until GCC 13 is the compiler", None),
    ("see /workspace/tree/file", "one machine"),
    ("see /home/someone/file", "one machine"),
    ("cd /root/checkout/file", "one machine"),
    ("src/work/file", None),
    ("mount /root", None),
    ("http://mirror.internal/debian", "mirror.internal"),
    ("https://docs.kernel.org/x86/boot.html", None),
    ("http://localhost/actions", None),
])
def test_words_that_do_not_belong_are_found(line, words):
    complaints = list(text.complaints(Path("src/a.cpp"), line))
    assert (words in complaints[0]) if words else complaints == []


def test_a_fuzzer_needs_seeds(tmp_path):
    assert "fuzz/corpus/a/" in found(tmp_path, {"src/os/a_fuzz.cpp": ""})[0]
    assert found(tmp_path, {"src/os/a_fuzz.cpp": "", "fuzz/corpus/a/one": "x"}) == []


def test_decisions_are_numbered_without_gaps(tmp_path):
    files = {"docs/decisions/0001-one.md": "# 0001: One\n", "docs/decisions/0003-three.md": "# 0003: Three\n",
             "docs/decisions/notes.md": ""}
    assert found(tmp_path, files) == [
        "docs/decisions/0003-three.md: number 0003, expected 0002",
        "docs/decisions/notes.md: a decision is named 0001-words.md",
    ]


def test_a_promise_names_a_test_that_exists(tmp_path):
    files = {
        "src/os/a_test.cpp": "TEST(File, IsClosed) {}\n",
        "tests/system/test_boot.py": "def test_boots():\n    pass\n",
        "bench/boot.py": "",
        "SPECIFICATION.md": "\n".join([
            "| Promise | Number | Measured by |", "| --- | --- | --- |",
            "| a | 1 | `File.IsClosed` |", "| b | 1 | `test_boot.py::test_boots` and `bench/boot.py` |",
            "| c | 1 | untested: needs hardware |", "| d | 1 | `File.IsOpened` |", "| e | 1 | trust |", ""]),
    }
    assert found(tmp_path, files) == [
        "SPECIFICATION.md:6: there is no test or benchmark File.IsOpened",
        "SPECIFICATION.md:7: names no test; say `untested` if there is none",
    ]


def test_the_summary_counts_and_gives_reasons(tmp_path):
    write(tmp_path, {"a.xml": """<testsuite>
        <testcase name="one"/>
        <testcase name="two"><failure message=""/><system-out>Running main()
          b.cpp:7: Failure
          Which is: 4
        </system-out></testcase>
        <testcase name="three"><skipped message="no KVM"/></testcase>
        <testcase name="four"><skipped/><system-out>a.cpp:3: Skipped
          not under a sanitizer
        </system-out></testcase>
        <testcase name="five"><failure message="no">a test
            E   assert 1 == 2</failure></testcase></testsuite>""", "lint.check": "passed lint\n"})
    assert list(summary.results(tmp_path)) == [
        ("a", "one", "passed", None), ("a", "two", "failed", "b.cpp:7: Failure\nWhich is: 4"),
        ("a", "three", "skipped", "no KVM"), ("a", "four", "skipped", "not under a sanitizer"),
        ("a", "five", "failed", "assert 1 == 2"), ("check", "lint", "passed", None)]
