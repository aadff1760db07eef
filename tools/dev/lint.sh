# Checks of the sources: sourced by ./dev.

run_lint() { "$python" "$top/tools/lint.py" "$top"; }
run_lint_tests() { results_of lint-tests "$python" -m pytest -q -p no:cacheprovider "$top/tools"; }

# tidy FILE...: clang-tidy with the clang build's compile commands.
tidy() {
  (cd "$top" && cmake --preset lint >/dev/null) || return
  printf '%s\n' "$@" |
    xargs -P "$jobs" -n 1 clang-tidy-19 --quiet -p "$top/build/lint" 2> >(grep -v 'warnings generated' >&2)
}

changed_sources() {
  { git -C "$top" diff --name-only --diff-filter=d origin/main 2>/dev/null ||
    git -C "$top" diff --name-only --diff-filter=d HEAD; } | grep -E '^src/.*\.cpp$'
}

# What every test run has clang-tidy read: the bottom layers. All of src would take many minutes.
bottom_sources() {
  find "$top/src/base" "$top/src/os" "$top/src/vmm/memory" -name '*.cpp' ! -name '*_test.cpp'
}

tidy_bottom() {
  local files
  mapfile -t files < <(bottom_sources)
  tidy "${files[@]}"
}

command_lint() {
  install_packages build lint
  run_lint
  if [[ ${1:-} == --tidy ]]; then
    shift
    local files=("$@")
    if [[ ${#files[@]} == 0 ]]; then mapfile -t files < <(changed_sources); fi
    if [[ ${#files[@]} != 0 ]]; then step "clang-tidy" tidy "${files[@]}"; fi
  fi
}

command_fmt() {
  install_packages lint
  git -C "$top" ls-files -co --exclude-standard -z '*.h' '*.cpp' | xargs -0 clang-format-19 -i
}
