"""Who may include whom, and how an include is written."""

import re

# Bottom up. A folder of src/ may include itself and what its row names, nothing else. "a/b" is one
# part of a layer: others see of vmm only vmm/api, and project sees of machine only its definition.
MAY_USE = {
    "base": [],
    "os": ["base"],
    "vmm": ["base", "os"],
    "jail": ["base", "os"],
    "net": ["base", "os"],
    "image": ["base", "os"],
    "container": ["base", "os", "jail"],
    "machine": ["base", "os", "image", "net", "vmm/api"],
    "project": ["base", "os", "machine/definition"],
    "daemon": ["base", "os", "image", "net", "machine", "project"],
    "cli": ["base", "os", "image", "net", "machine", "project"],
    "main": ["base", "os", "vmm", "jail", "net", "image", "container", "machine", "project",
             "daemon", "cli"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def may_include(layer, target):
    """Whether a file of `layer` may include `target`, a path from src/."""
    return any(target.startswith(part + "/") or target == part + ".h"
               for part in [layer, *MAY_USE[layer]])


def own_header(path, exists):
    """The header foo.cpp or foo_test.cpp goes with, as written in an include."""
    stem = re.sub(r"_test$", "", path.stem)
    header = path.relative_to("src").with_name(stem + ".h")
    return str(header) if exists("src/" + str(header)) else None


def complaints(root, path, content):
    if path.parts[0] != "src" or path.suffix not in (".h", ".cpp") or len(path.parts) < 3:
        return
    layer = path.parts[1]
    if layer not in MAY_USE:
        yield f"{path}: {layer} is not a layer; rules/includes.py has the table"
        return
    if path.suffix == ".h" and "#pragma once" not in content.splitlines():
        yield f"{path}: no #pragma once"
    exists = lambda name: (root / name).exists()
    first = None
    for number, line in enumerate(content.splitlines(), 1):
        include = INCLUDE.match(line)
        if first is None and line.lstrip().startswith("#include"):
            first = include[1] if include else line
        if not include:
            continue
        target = include[1]
        if not exists("src/" + target):
            yield f"{path}:{number}: {target} is not a path from src/"
        elif not may_include(layer, target):
            yield f"{path}:{number}: {layer} may not include {target}"
    header = own_header(path, exists) if path.suffix == ".cpp" else None
    if header and first != header:
        yield f"{path}: the first include must be {header}"
