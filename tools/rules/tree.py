"""Rules about the tree: seeds of fuzzers, numbered decisions, numbers that name their test."""

import re

DECISION = re.compile(r"^(\d{4})-[a-z0-9-]+\.md$")
TEST_NAME = re.compile(r"`([^`]+)`")
# TEST(Suite, Name), TEST_F and TEST_P.
GTEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)")
PYTEST = re.compile(r"^def (test_\w+)", re.MULTILINE)


def complaints(root, files):
    yield from seedless_fuzzers(files)
    yield from misnumbered_decisions(root, files)
    yield from unmeasured_promises(root, files)


def seedless_fuzzers(files):
    with_seeds = {f.parts[2] for f in files if f.parts[:2] == ("fuzz", "corpus") and len(f.parts) > 3}
    for path in files:
        subject = re.fullmatch(r"(.+)_fuzz\.cpp", path.name)
        if subject and subject[1] not in with_seeds:
            yield f"{path}: no seeds in fuzz/corpus/{subject[1]}/"


def misnumbered_decisions(root, files):
    pages = [f for f in files if f.parts[:2] == ("docs", "decisions") and f.name != "README.md"]
    expected = 1
    for path in pages:
        number = DECISION.match(path.name)
        if not number:
            yield f"{path}: a decision is named 0001-words.md"
        elif int(number[1]) != expected:
            yield f"{path}: number {number[1]}, expected {expected:04}"
            expected = int(number[1]) + 1
        else:
            if not (root / path).read_text().startswith(f"# {number[1]}: "):
                yield f"{path}: must start with `# {number[1]}: `"
            expected += 1


def known_tests(root, files):
    """Every name SPECIFICATION.md may give: Suite.Name, file::test, and paths of benchmarks."""
    names = set()
    for path in files:
        if path.name.endswith("_test.cpp"):
            names.update(".".join(match) for match in GTEST.findall((root / path).read_text()))
        elif re.fullmatch(r"test_\w+\.py", path.name):
            names.update(f"{path.name}::{test}" for test in PYTEST.findall((root / path).read_text()))
        elif path.parts[0] in ("bench", "tests", "tools"):
            names.add(str(path))
    return names


def unmeasured_promises(root, files):
    """Rows of SPECIFICATION.md's tables: | promise | number | how it is measured |."""
    specification = root / "SPECIFICATION.md"
    if not specification.exists():
        return
    names = None
    for number, line in enumerate(specification.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or set(line) <= set("|-: ") or cells[-1] == "Measured by":
            continue
        if cells[-1].startswith("untested"):
            continue
        names = known_tests(root, files) if names is None else names
        cited = TEST_NAME.findall(cells[-1])
        if not cited:
            yield f"SPECIFICATION.md:{number}: names no test; say `untested` if there is none"
        for name in cited:
            if name not in names:
                yield f"SPECIFICATION.md:{number}: there is no test or benchmark {name}"
