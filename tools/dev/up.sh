# The main job from a clean clone: sourced by ./dev.

command_up() {
  install_packages build
  step "build release" build_preset release "${programs[@]}"
  prepare_guest
  local status=0
  note "a microVM:"
  "$top/build/release/src/bulkhead" run \
    --kernel "$cache/kernel/tuned/vmlinux" --initrd "$cache/initrd/busybox.cpio.gz" \
    -- sh -c 'echo "Hello from $(uname -sr) on $(nproc) CPU, $(grep -c . /proc/mounts) mounts, PID $$"' ||
    status=$?
  note "exit status $status"
  return $status
}
