"""config.json that is broken, of wrong types, huge or random: one line with the place, nothing left behind."""

import json
import random

import pytest

from harness import bundles


def refused_text(box, text):
    bundles.write_config(box.folder, text)
    done = box.oci("run", box.id)
    assert done.returncode == 1, text[:200]
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    box.left_nothing()
    return done.stderr


@pytest.mark.parametrize("path, value, words", [
    ("process.args", [], "process: args must name a program"),
    ("process.args", "sh", "process.args: expected an array, found a string"),
    ("process.cwd", "tmp", "process: cwd must begin with /"),
    ("process.user.uid", -1, "process.user.uid: must be from 0 to 4294967295"),
    ("process.user.uid", 2 ** 32, "process.user.uid: must be from 0 to 4294967295"),
    ("process.user.uid", 2 ** 32 - 1, "process.user: 4294967295 is no user or group"),
    ("process.capabilities.bounding", [7], "bounding[0]: expected a string"),
    ("root", None, '"root" is missing'),
    ("root.path", "nowhere", "nowhere: No such file or directory"),
    ("root.path", "config.json", "is no folder"),
    ("ociVersion", "2.0.0", 'ociVersion: "2.0.0" is not supported'),
    ("mounts", [{}], 'mounts[0]: "destination" is missing'),
    ("linux.namespaces", [{"type": "nothing"}], 'linux.namespaces[0]: type: "nothing" is no type of namespace'),
    ("linux.namespaces", [{"type": "uts"}], "without a mount namespace"),
    ("linux.namespaces", [{"type": "mount", "path": "/proc/self/ns/mnt"}, {"type": "uts"}],
     "joining a mount namespace is not supported"),
    ("linux.resources.pids", {"limit": 1e99}, "linux.resources.pids.limit: expected a whole number"),
    ("linux.resources.memory", {"limit": 2 ** 63}, "linux.resources.memory.limit: must be from"),
    ("linux.cgroupsPath", "/../../escape", "names no group"),
    ("linux.cgroupsPath", "a.slice:b:c", "systemd"),
    ("linux.intelRdt", {}, "linux.intelRdt: not supported"),
    ("linux.memoryPolicy", {}, "linux.memoryPolicy: \"mode\" is missing"),
    ("linux.netDevices", {"eth/0": {}}, "linux.netDevices.eth/0: no name of a network device"),
    ("linux.namespaces", [{"type": "mount"}], "hostname needs a namespace of type uts"),
    ("hostname", "x" * 65, "hostname has more than 64 bytes"),
    ("hooks", {"prestart": [{"path": "x"}]}, "hooks.prestart[0]: path must begin with /")])
def test_a_mistake_is_shown_with_its_place(box, path, value, words):
    *parents, name = path.split(".")
    target = box.config
    for parent in parents:
        target = target[parent]
    target[name] = value
    assert words in refused_text(box, json.dumps(box.config))


def test_texts_that_are_no_json(box):
    text = json.dumps(box.config)
    for broken in ("", "{", "[]", "null", '"x"', text[:-1], text + "x", text.replace(":", ";"), "[" * 100000):
        refused_text(box, broken)


def test_a_missing_and_an_unreadable_config(box):
    assert "config.json: No such file" in box.oci("run", box.id).stderr
    (box.folder / "config.json").mkdir()
    assert "Is a directory" in box.oci("run", box.id).stderr


def test_a_huge_config(box):
    assert "longer than" in refused_text(box, " " * (5 << 20))
    box.process["env"] += ["A" * 100000 + "=x"] * 30
    assert "Argument list too long" in box.refused("true")


def places(value, path=()):
    """Every place of a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def test_every_member_with_every_wrong_type(box):
    """Whatever is put where: an error or a container, never a crash, and nothing left."""
    choices = random.Random(5)
    spots = [spot for spot in places(box.config) if spot]
    for spot in choices.sample(spots, 60):
        spec = json.loads(json.dumps(box.config))
        target = spec
        for step in spot[:-1]:
            target = target[step]
        target[spot[-1]] = choices.choice([None, True, -1, 2 ** 64 - 1, 1.5, "", "x", "\x01/../..", [], [1], {}, {"a": {}}])
        bundles.write_config(box.folder, spec)
        done = box.oci("run", box.id)
        assert done.returncode in (0, 1), (spot, done)
        assert done.returncode == 0 or done.stderr.startswith("bulkhead-oci: "), (spot, done)
        box.left_nothing()


def test_truncated_configs(box):
    text = json.dumps(box.config)
    for end in random.Random(6).sample(range(len(text)), 40):
        refused_text(box, text[:end])
