#!/usr/bin/env bash
# Fetches Debian's stock cloud kernel, a guest nobody tuned for us, into
#   ${BULKHEAD_CACHE:-$HOME/.cache/bulkhead}/kernel/cloud/{vmlinuz,config,release,modules/*.ko,inputs.sha256}
# modules/ holds, side by side, the modules below with all they depend on; modules/load_order names
# them so that loading from top to bottom works. Does nothing when the newest is there already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR/.. source=common.sh
source "$here/../common.sh"

readonly meta_package=linux-image-cloud-amd64
readonly result=$bulkhead_cache/kernel/cloud
readonly work=$result.work
# A machine inside the machine needs the first line; disks, networks and shares the others.
readonly wanted_modules=(
  irqbypass kvm kvm-amd tun
  virtio_mmio virtio_blk virtio_net virtio-rng virtio_balloon virtio_console
  vmw_vsock_virtio_transport fuse virtiofs
  squashfs erofs overlay
)

# The kernel package of the day, such as linux-image-6.1.0-56-cloud-amd64.
kernel_package() {
  LC_ALL=C apt-cache depends "$meta_package" 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

# Copies module NAME after everything it depends on.
take_module() {
  local name=$1 dependency file
  if [[ -e $work/result/modules/$name.ko ]]; then return; fi
  file=$(find "$work/unpacked/lib/modules" -name "$name.ko")
  if [[ -z $file ]]; then
    # modules.dep and modinfo write _ where a file's name may have -.
    file=$(find "$work/unpacked/lib/modules" -name "${name//_/-}.ko")
  fi
  if [[ -z $file ]]; then fail "$(kernel_package) has no module $name; correct the list in $0"; fi
  name=$(basename "$file" .ko)
  if [[ -e $work/result/modules/$name.ko ]]; then return; fi
  for dependency in $(/sbin/modinfo --field depends "$file" | tr ',' ' '); do
    take_module "$dependency"
  done
  cp "$file" "$work/result/modules/$name.ko"
  printf '%s.ko\n' "$name" >>"$work/result/modules/load_order"
}

lock "$result.lock"
refresh_package_lists "$meta_package"
package=$(kernel_package)
if [[ -z $package ]]; then
  if [[ -f $result/inputs.sha256 ]]; then
    say "no package lists; keeping $result"
    exit 0
  fi
  fail "apt knows no $meta_package; run apt-get update, on Debian 12, and try again"
fi
inputs="$(checksum_of "$here/fetch_cloud.sh") $package $(candidate_version "$package")"
if is_current "$result" "$inputs"; then
  say "cloud kernel is up to date: $result"
  exit 0
fi

need_packages kmod
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/result/modules"
say "fetching $package"
# As root apt complains that its own user cannot write here; as nobody else it works all the same.
(cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$package") ||
  fail "apt-get download $package failed; see its words above"
dpkg-deb --extract "$work"/linux-image-*.deb "$work/unpacked"
cp "$work"/unpacked/boot/vmlinuz-* "$work/result/vmlinuz"
cp "$work"/unpacked/boot/config-* "$work/result/config"
basename "$work"/unpacked/lib/modules/* >"$work/result/release"
for module in "${wanted_modules[@]}"; do take_module "$module"; done
publish "$work/result" "$result" "$inputs"
say "cloud kernel: $result/vmlinuz"
