# Everything CI runs: sourced by ./dev. Each suite leaves JUnit XML in build/results; tools/summary.py
# adds them up.

results=$top/build/results

# results_of SUITE PYTEST-COMMAND...: runs pytest with its results where the summary looks.
results_of() {
  local suite=$1
  shift
  "$@" --junitxml="$results/$suite.xml"
}

# check NAME COMMAND...: one check that either passes or fails, as a result of its own.
check() {
  local name=$1 file
  file=$results/${name//[^a-zA-Z0-9_-]/-}.check
  if try_step "$@"; then echo "passed $name" >"$file"; else echo "failed $name" >"$file"; fi
}

# suite NAME COMMAND...: a step whose results are in build/results/NAME.xml. When it fails without a
# result of its own that failed, the step itself is the failure.
suite() {
  local name=$1
  if ! try_step "$@" && ! grep -qs -e '<failure' -e '<error' "$results/$name.xml"; then
    echo "failed $name" >"$results/$name.check"
  fi
}

# unit_tests PRESET [CTEST-OPTION...]
unit_tests() {
  local preset=$1
  shift
  ctest --test-dir "$top/build/$preset" --parallel "$jobs" --output-on-failure \
    --output-junit "$results/unit-$preset.xml" "$@"
}

# sanitized PRESET: the unit suite built with that preset's sanitizer.
sanitized() {
  check "build $1" build_preset "$1" unit_tests
  suite "unit-$1" unit_tests "$1" -L unit
}

# fuzz_briefly: builds with clang-19's libFuzzer, and gives every target a moment from its seeds.
fuzz_briefly() {
  local target
  build_preset fuzz fuzzers || return
  for target in $(fuzz_targets); do fuzz_target "$target" "${1:-3}" || return; done
}

fuzz_programs() { find "$top/build/fuzz" -type f -perm -u+x -name '*_fuzz'; }
fuzz_targets() { fuzz_programs | sed 's,.*/,,' | sort; }

# fuzz_target TARGET SECONDS: new inputs go to build/fuzz/corpus, crashes to build/fuzz.
fuzz_target() {
  local subject=${1#*.} program
  subject=${subject%_fuzz}
  program=$(fuzz_programs | grep "/$1\$") || fail "no fuzz target $1" "there are: $(fuzz_targets | tr '\n' ' ')"
  mkdir -p "$top/build/fuzz/corpus/$subject"
  (cd "$top/build/fuzz" && "$program" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
    "corpus/$subject" "$top/fuzz/corpus/$subject")
}

system_tests() {
  results_of system "$python" -m pytest -p no:cacheprovider -ra "$top/tests/system" "$@"
}

oci_tests() {
  results_of oci "$python" -m pytest -p no:cacheprovider -ra "$top/tests/oci" "$@"
}

image_tests() {
  results_of image "$python" -m pytest -p no:cacheprovider -ra "$top/tests/image" "$@"
}

summary() { "$python" "$top/tools/summary.py" "$results"; }

fresh_results() {
  rm -rf "$results"
  mkdir -p "$results"
}

# built TARGET...: the release build is there; else the summary says what failed.
built() {
  check "build release" build_preset release "$@"
  no_failures
}
guests_ready() {
  check "tuned guest kernel" build_tuned_kernel
  check "Debian cloud kernel" fetch_cloud_kernel
  check "initrds" build_initrds
  check "workloads" build_workloads
}

no_failures() { ! grep -q '^failed' "$results"/*.check; }

command_test() {
  install_packages build lint test
  fresh_results
  if built all all_verify_interface_header_sets; then
    if [[ $# != 0 ]]; then matching_tests "$1"; else all_tests; fi
  fi
  summary
}

# pytest ends with 5 when no test matches, which is no failure here.
matching_system_tests() { system_tests -k "$1" || [[ $? == 5 ]]; }

matching_oci_tests() { oci_tests -k "$1" || [[ $? == 5 ]]; }

matching_image_tests() { image_tests -k "$1" || [[ $? == 5 ]]; }

matching_tests() {
  guests_ready
  suite unit-release unit_tests release --no-tests=ignore -R "$1"
  suite system matching_system_tests "$1"
  suite oci matching_oci_tests "$1"
  suite image matching_image_tests "$1"
}

all_tests() {
  check "lint" run_lint
  suite lint-tests run_lint_tests
  check "clang-tidy" tidy_bottom
  guests_ready
  suite unit-release unit_tests release
  suite system system_tests
  suite oci oci_tests
  suite image image_tests
  sanitized asan
  sanitized tsan
  check "fuzz" fuzz_briefly
}

command_isa() {
  install_packages build
  fresh_results
  if built isa_test guest_test; then suite unit-release unit_tests release -R '^(isa|guests)\.'; fi
  summary
}

command_system() {
  install_packages build test
  fresh_results
  if built "${programs[@]}" guest_test; then
    guests_ready
    if [[ ${1:-} == workloads ]]; then
      suite system system_tests -k workloads --workloads
    else
      suite system system_tests ${1:+-k "$1"}
    fi
  fi
  summary
}

command_stress() {
  install_packages build test
  step "build release" build_preset release "${programs[@]}" guest-stress
  prepare_guest
  step "workloads" build_workloads
  "$python" "$top/tests/stress/stress.py" "$@"
}

command_fuzz() {
  install_packages build lint
  step "build fuzz" build_preset fuzz fuzzers
  local target
  for target in ${1:-$(fuzz_targets)}; do fuzz_target "$target" "${2:-60}"; done
}
