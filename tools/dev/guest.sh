# Guest kernels and initrds, made once and kept in the cache: sourced by ./dev.

export BULKHEAD_CACHE=$cache

prepare_tuned_kernel() { step "tuned guest kernel" "$top/guest/kernel/build.sh"; }
prepare_cloud_kernel() { step "Debian cloud kernel" "$top/guest/kernel/fetch_cloud.sh"; }
prepare_initrds() { step "initrds" "$top/guest/initrd/build.sh"; }

prepare_guests() {
  prepare_tuned_kernel
  prepare_cloud_kernel
  prepare_initrds
}

command_guest_kernel() {
  install_packages build guest
  prepare_tuned_kernel
  note "$cache/kernel/tuned/vmlinux"
}
