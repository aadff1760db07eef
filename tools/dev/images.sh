# Images without a registry: sourced by ./dev.

command_images() {
  install_packages build images
  step "build release" build_preset release bulkhead
  local image bulkhead=$top/build/release/src/bulkhead
  # Where they are kept, if not in the usual place.
  local place=(${BULKHEAD_ROOT:+--root "$BULKHEAD_ROOT"})
  for image in "${@:-busybox debian:12}"; do
    # Unquoted: the default is two words.
    for image in $image; do
      step "image $image" "$bulkhead" image bootstrap "${place[@]}" "$image"
    done
  done
  "$bulkhead" image ls "${place[@]}"
}
