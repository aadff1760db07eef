#!/usr/bin/python3
"""Adds up the results of a test run: JUnit XML and one-line .check files in a folder.

Prints every failure by name and every reason to skip, then `N passed, N failed, N skipped`.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


LONGEST_REASON = 160
LINES_OF_A_FAILURE = 6


def shortened(words):
    return words if len(words) <= LONGEST_REASON else words[:LONGEST_REASON - 3] + "..."


def reason_of(element):
    """The words of a <skipped> element, or of what the test printed before it was skipped."""
    words = (element.get("message") or element.text or "").strip()
    return words.splitlines()[0] if words else "no reason given"


def gtest_reason(case):
    """GTEST_SKIP's words: what a skipped case printed before its SKIPPED line."""
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines()]
    for line, following in zip(lines, lines[1:]):
        if ": Skipped" in line and following:
            return following
    return None


def failure_words(case):
    """The first lines that say what went wrong, of a failed <testcase>."""
    for element in (case.find("failure"), case.find("error")):
        lines = [line.strip() for line in (element.text or "").splitlines()] if element is not None else []
        # pytest marks the lines of the exception so.
        marked = [line[1:].strip() for line in lines if line.startswith("E ")]
        if marked:
            return marked[:LINES_OF_A_FAILURE]
    printed = [line.strip() for line in (case.findtext("system-out") or "").splitlines()]
    printed = [line for line in printed if line]
    start = next((i for i, line in enumerate(printed) if "Failure" in line), None)
    return printed[-LINES_OF_A_FAILURE:] if start is None else printed[start:start + LINES_OF_A_FAILURE]


def outcome(case):
    """('passed' | 'failed' | 'skipped', reason) of one <testcase>; a failure's reason is lines."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed", "\n".join(failure_words(case))
    skipped = case.find("skipped")
    if skipped is not None:
        return "skipped", gtest_reason(case) or reason_of(skipped)
    return "passed", None


def results(folder):
    """Yields (suite, test name, outcome, reason)."""
    for path in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            yield path.stem, case.get("name"), *outcome(case)
    for path in sorted(folder.glob("*.check")):
        kind, name = path.read_text().strip().split(" ", 1)
        yield "check", name, kind, None


def main():
    counts = collections.Counter()
    by_suite = collections.defaultdict(collections.Counter)
    skips = collections.Counter()
    failures = []
    for suite, name, kind, reason in results(pathlib.Path(sys.argv[1])):
        counts[kind] += 1
        by_suite[suite][kind] += 1
        if kind == "skipped":
            skips[suite, reason] += 1
        if kind == "failed":
            failures.append((f"{suite}: {name}", reason or ""))
    for suite, kinds in by_suite.items():
        print(f"{suite:16} {kinds['passed']:6} passed {kinds['failed']:4} failed {kinds['skipped']:4} skipped")
    for (suite, reason), count in skips.items():
        print(f"skipped {count} in {suite}: {shortened(reason)}")
    for failure, words in failures:
        print(f"FAILED {failure}")
        for line in words.splitlines():
            print(f"    {shortened(line)}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    # A run that tested nothing has shown nothing.
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()
