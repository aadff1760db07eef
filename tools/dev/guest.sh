# Guest kernels and initrds, made once and kept in the cache: sourced by ./dev.

export BULKHEAD_CACHE=$cache

build_tuned_kernel() { "$top/guest/kernel/build.sh"; }
fetch_cloud_kernel() { "$top/guest/kernel/fetch_cloud.sh"; }
build_initrds() { "$top/guest/initrd/build.sh"; }
build_workloads() { "$top/guest/initrd/workloads.sh"; }

# prepare_guest: what `up` and the benchmarks boot.
prepare_guest() {
  step "tuned guest kernel" build_tuned_kernel
  step "initrds" build_initrds
}

command_guest_kernel() {
  install_packages build
  step "tuned guest kernel" build_tuned_kernel
  note "$cache/kernel/tuned/vmlinux"
}
