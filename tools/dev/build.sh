# Building: sourced by ./dev.

jobs=$(nproc)
# One compiler cache for all clones of the tree: paths inside it count as relative to it.
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1
programs=(bulkhead bulkhead-supervise bulkhead-usernet bulkhead-vmm bulkhead-init bulkhead-oci)

# build_preset PRESET TARGET...: configures when needed, then builds into build/PRESET.
build_preset() {
  local preset=$1
  shift
  cd "$top"
  cmake --preset "$preset" >/dev/null || return
  cmake --build "build/$preset" --parallel "$jobs" --target "$@"
}

command_build() {
  install_packages build
  step "build release" build_preset release "${programs[@]}"
}

command_clean() {
  rm -rf "$top/build"
}
