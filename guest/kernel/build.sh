#!/usr/bin/env bash
# Builds the tuned guest kernel from Debian's kernel source, unchanged, and the fragments in config/, into
#   ${BULKHEAD_CACHE:-$HOME/.cache/bulkhead}/kernel/tuned/{vmlinux,bzImage,config,inputs.sha256}
# Does nothing when that was already built from the same inputs. Takes 3 to 5 minutes on two cores.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR/.. source=common.sh
source "$here/../common.sh"

readonly package=linux-source-6.1
readonly result=$bulkhead_cache/kernel/tuned
readonly work=$result.work
readonly log=$result.log

# Makes $work/config from the fragments, and refuses a fragment line the kernel did not take: an
# option whose dependency is missing would vanish without a word.
configure() {
  local line name lost=()
  cat "$here"/config/*.config >"$work/fragments"
  kernel_make KCONFIG_ALLCONFIG="$work/fragments" allnoconfig
  while read -r line; do
    case $line in
      CONFIG_*) grep -qxF -- "$line" "$work/source/.config" || lost+=("$line") ;;
      '# CONFIG_'*' is not set')
        name=${line#\# }
        ! grep -q "^${name%% *}=" "$work/source/.config" || lost+=("$line")
        ;;
    esac
  done <"$work/fragments"
  if ((${#lost[@]} > 0)); then
    fail "the kernel's configuration lost: ${lost[*]}; add what they depend on to $here/config"
  fi
}

# Everything the kernel would take from the clock, the user or the host's name is pinned.
kernel_make() {
  local compiler=gcc
  if command -v ccache >/dev/null; then compiler='ccache gcc'; fi
  if ! make --silent --directory="$work/source" ARCH=x86_64 CC="$compiler" HOSTCC="$compiler" \
    KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=bulkhead KBUILD_BUILD_HOST=bulkhead \
    KBUILD_BUILD_VERSION=1 "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "make $* failed; the whole log is $log"
  fi
}

# What an x86-64 build never reads is left packed: half of the files.
unpack_source() {
  local top=linux-source-6.1
  mkdir "$work/source"
  tar --extract --xz --file="/usr/src/$top.tar.xz" --directory="$work/source" --strip-components=1 \
    --anchored --exclude="$top/arch/[!x]*.[chS]" --exclude="$top/arch/*.dts*" \
    --exclude="$top/drivers/gpu/*.[ch]" --exclude="$top/sound/*.[ch]" \
    --exclude="$top/tools/testing" --exclude="$top/tools/perf" --exclude="$top/Documentation/*/*" ||
    fail "unpack /usr/src/$top.tar.xz into $work/source failed: is the disk full?"
}

# The version that counts is the one installed; without it, the one that would be. A cache brought
# to a machine that knows no packages is believed.
source_version() {
  local version
  version=$(installed_version "$package")
  if [[ -z $version ]]; then version=$(candidate_version "$package"); fi
  if [[ -z $version && -f $result/inputs.sha256 ]]; then
    version=$(cut -d' ' -f3 "$result/inputs.sha256")
  fi
  printf '%s' "$version"
}

inputs() {
  printf '%s %s %s' \
    "$(checksum_of "$here"/config/*.config "$here/build.sh")" "$package" "$(source_version)"
}

lock "$result.lock"
if is_current "$result" "$(inputs)"; then
  say "guest kernel is up to date: $result"
  exit 0
fi

need_packages "$package" bc binutils bison flex gcc libelf-dev lz4 make xz-utils
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/result"
say "unpacking $package $(source_version)"
unpack_source
say "configuring"
configure
say "compiling the guest kernel on $(nproc) cores (3 to 5 minutes without ccache); log: $log"
kernel_make -j"$(nproc)" vmlinux bzImage
cp "$work/source/arch/x86/boot/bzImage" "$work/result/bzImage"
cp "$work/source/.config" "$work/result/config"
objcopy --strip-debug "$work/source/vmlinux" "$work/result/vmlinux"
publish "$work/result" "$result" "$(inputs)"
say "guest kernel: $result/vmlinux"
