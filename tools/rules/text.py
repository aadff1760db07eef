"""What may stand in a file."""

import re

MOST_LINES = 400
CODE = (".h", ".cpp", ".c", ".S", ".py", ".sh")
# A long table of data is not a long program.
UNLIMITED = re.compile(r"^(LICENSE$|fuzz/corpus/|guest/kernel/config/|tests/.*\.(s|json|txt)$)")

# A whole statement, what is assigned or initialised, either of them alone under an if or a for.
TRY_OK = re.compile(r"^\s*(?:(?:if|for|while) \(.*\) |else )?"
                    r"(?:[\w:<>,&* ]+ [\w\[\], ]+ = |[\w.>\[\]-]+ = )?BH_TRY\("
                    r"|^#\s*define BH_TRY|^\s*//")
TODO = re.compile(r"\bTODO\b|\bXXX\b")
FIXME = re.compile(r"\bFIXME\b")
FIXME_OK = re.compile(r"\bFIXME: .*\b(until|when|once)\b")
# Paths of one person's machine. /root and /home of a guest are spelled with a name below them too,
# so only the folders a checkout or a home lies in are meant.
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|workspace|Users/\w+|home/[a-z]\w*|root/\w+)/[\w.-]")
URL_HOST = re.compile(r"\bhttps?://([A-Za-z0-9.-]+)")
# Sites a reader can open. A package mirror is a setting of a machine and not of the project.
HOSTS = re.compile(
    r"(^|\.)(apache\.org|kernel\.org|debian\.org|intel\.com|amd\.com|github\.com|oasis-open\.org"
    r"|uefi\.org|ietf\.org|rfc-editor\.org|gnu\.org|llvm\.org|lwn\.net|wikipedia\.org|cmake\.org"
    r"|opencontainers\.org|qemu\.org|json-schema\.org|sqlite\.org|example\.(com|org)|localhost)$"
    r"|^127\.|^0\.0\.0\.0$|^localhost$")
# This file and its tests spell what they forbid.
EXEMPT = ("tools/rules/text.py", "tools/lint_test.py", "LICENSE")


def complaints(path, content):
    if str(path) in EXEMPT:
        return
    lines = content.splitlines()
    if path.suffix in (*CODE, ".md", ".txt") and len(lines) > MOST_LINES and not UNLIMITED.match(str(path)):
        yield f"{path}: {len(lines)} lines, at most {MOST_LINES}; split it by noun"
    cpp = path.suffix in (".h", ".cpp")
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if cpp and "BH_TRY(" in line and not TRY_OK.match(line):
            yield f"{where}: BH_TRY inside a larger expression leaks under GCC 12"
        if path.suffix in (*CODE, ".md", ".txt", ".json", ""):
            yield from words(where, line)
        if path.suffix in CODE and FIXME.search(line) and not FIXME_OK.search(line):
            yield f"{where}: FIXME without a condition (until, when or once ...)"


def words(where, line):
    if TODO.search(line):
        yield f"{where}: TODO; do it, or write FIXME with the condition that would remove it"
    if MACHINE_PATH.search(line):
        yield f"{where}: a path of one machine"
    for host in URL_HOST.findall(line):
        if not HOSTS.search(host):
            yield f"{where}: {host} is not a site the project names (rules/text.py)"
