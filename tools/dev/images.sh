# Images without a registry: sourced by ./dev.

command_images() {
  install_packages build images
  step "build release" build_preset release bulkhead
  local image
  for image in "${@:-busybox debian:12}"; do
    # Unquoted: the default is two words.
    for image in $image; do
      step "image $image" "$top/build/release/src/bulkhead" image bootstrap "$image"
    done
  done
  "$top/build/release/src/bulkhead" image ls
}
