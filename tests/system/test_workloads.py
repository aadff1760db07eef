"""Real programs of Debian give in a guest on the soft engine what they give on the host, to the byte.

A few that end soon run always; `./dev system workloads` (pytest --workloads) runs all of them.
"""

import pytest

from harness import machines, paths, workloads
from harness.workloads import SCRIPTS, script

QUICK_SECONDS = 240
LONG_SECONDS = 3600

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds", "workloads")


@pytest.fixture(params=[1, 2])
def vcpus(request):
    return request.param


@pytest.fixture
def compare(tmp_path):
    """compare(layer, script): runs the script on both sides; lines that begin with `word` must be the same."""

    def run(layer, script, word, timeout=QUICK_SECONDS, vcpus=1, files=(), **variables):
        text = "".join(f"export {name}='{value}'\n" for name, value in variables.items()) + script
        expected = workloads.on_host(tmp_path, layer, text, word)
        assert expected, "the script printed nothing on the host"
        with machines.start_vmm(workloads.guest(layer, text, vcpus, files), tmp_path) as machine:
            outcome = machine.finish(timeout)
        assert outcome.status == 0, outcome.console[-2000:] + outcome.errors
        assert workloads.lines(outcome.console, word) == expected, outcome.console[-2000:]

    return run


def test_gcc_makes_the_same_objects_and_a_program_that_works(compare):
    compare("compiler", script("compile_some.sh"), "made")


def test_pythons_tests_of_numbers_end_as_on_the_host(compare):
    compare("python", script("python_core.sh"), "python", MODULES="test_int test_float test_math test_struct")


def test_perls_tests_of_its_basics_end_as_on_the_host(compare):
    compare("perl", script("perl_core.sh"), "perl",
            FILES="base/cond.t base/lex.t base/num.t base/rs.t cmd/for.t cmd/subval.t op/closure.t op/sprintf.t op/pack.t")


def test_openssl_computes_what_it_computes_on_the_host(compare):
    compare("openssl", script("openssl.sh"), "openssl")


def test_nodes_compiled_code_computes_what_it_computes_on_the_host(compare):
    compare("node", 'node "$W/jit.js"', "js", files=[SCRIPTS / "jit.js"])


@pytest.mark.workload
@pytest.mark.parametrize("project", ["zlib", "lua"])
def test_a_project_is_built_and_tested(compare, project, vcpus):
    compare("compiler", script(f"compile_{project}.sh"), "made", timeout=LONG_SECONDS, vcpus=vcpus)


# By what they are about, so that one machine does not run all of it.
PYTHON = {
    "language": "test_grammar test_syntax test_compile test_scope test_with test_raise test_exceptions test_generators "
                "test_coroutines test_asyncgen test_contextlib test_class test_super test_descr test_enum test_dataclasses",
    "numbers": "test_long test_complex test_bool test_cmath test_fractions test_statistics test_random test_decimal",
    "containers": "test_array test_bytes test_dict test_set test_list test_tuple test_slice test_deque test_heapq "
                  "test_bisect test_sort test_itertools test_functools test_operator test_memoryview test_buffer",
    "text": "test_unicode test_string test_re test_format test_fstring test_unicodedata test_json test_pickle test_marshal "
            "test_copy test_base64 test_binascii",
    "packed": "test_zlib test_gzip test_lzma",
    "system": "test_io test_mmap test_fcntl test_select test_poll test_epoll test_pipes test_popen test_fork1 test_wait4 "
              "test_eintr test_thread test_queue test_gc test_weakref test_datetime test_time",
}
PERL = ["base", "cmd", "comp", "io", "op", "opbasic", "re", "uni", "mro"]


@pytest.mark.workload
@pytest.mark.parametrize("about", PYTHON)
def test_pythons_tests_end_as_on_the_host(compare, about, vcpus):
    compare("python", script("python_core.sh"), "python", timeout=LONG_SECONDS, vcpus=vcpus, MODULES=PYTHON[about])


@pytest.mark.workload
@pytest.mark.parametrize("folder", PERL)
def test_perls_tests_end_as_on_the_host(compare, folder):
    files = sorted((paths.WORKLOADS / "perl" / "workload" / "perl" / "t" / folder).glob("*.t"))
    compare("perl", script("perl_core.sh"), "perl", timeout=LONG_SECONDS,
            FILES=" ".join(f"{folder}/{file.name}" for file in files))


@pytest.mark.workload
def test_openssl_measures_itself(compare, vcpus):
    compare("openssl", script("openssl.sh"), "openssl", timeout=LONG_SECONDS, vcpus=vcpus,
            SPEEDS="sha256 sha512 aes-128-gcm aes-256-cbc chacha20-poly1305 md5")


@pytest.mark.workload
def test_node_compiles_for_minutes(compare, vcpus):
    compare("node", 'node "$W/jit.js" 20', "js", timeout=LONG_SECONDS, vcpus=vcpus, files=[SCRIPTS / "jit.js"])
