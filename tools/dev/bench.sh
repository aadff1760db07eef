# Benchmarks: sourced by ./dev.

command_bench() {
  install_packages build test
  step "build release" build_preset release "${programs[@]}" guest-bench
  prepare_guest
  step "Debian cloud kernel" fetch_cloud_kernel
  local name
  for name in ${1:-boot guest programs idle oci image run devices}; do
    [[ -x $top/bench/$name.py ]] || fail "no benchmark $name" "see bench/README.md"
    "$python" "$top/bench/$name.py"
  done
}
