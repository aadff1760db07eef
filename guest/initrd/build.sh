#!/usr/bin/env bash
# Makes the initramfs images that guests of tests and benchmarks start from, each with bulkhead-init as /init:
#   ${BULKHEAD_CACHE:-$HOME/.cache/bulkhead}/initrd/busybox.cpio.gz   Debian's static busybox, every applet
#   ${BULKHEAD_CACHE:-$HOME/.cache/bulkhead}/initrd/debian.cpio.gz    that, and bash perl python3 gzip sha256sum of Debian
# The same inputs give the same bytes, and an image is made anew only when its inputs changed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR/.. source=common.sh
source "$here/../common.sh"
# shellcheck source-path=SCRIPTDIR source=image.sh
source "$here/image.sh"

if (($# > 1)); then fail "usage: $0 [PATH-TO-bulkhead-init]"; fi
readonly init=${1:-$here/../../build/release/guest/init/bulkhead-init}
readonly result=$bulkhead_cache/initrd
readonly work=$result.work
readonly packages=(busybox-static bash coreutils gzip perl python3-minimal libpython3-stdlib)
readonly programs=(/bin/bash /bin/gzip /usr/bin/sha256sum /usr/bin/perl)
# What scripts most often ask for beyond perl-base.
readonly perl_modules=(
  Benchmark Data/Dumper Digest Digest/MD5 Digest/SHA Encode Encode/Alias Encode/Config Encode/Encoding
  Encode/MIME/Name JSON/PP Math/BigFloat Math/BigInt MIME/Base64 Storable Time/HiRes Time/Local Time/Piece
  Time/Seconds
)
# Installers, tests, graphics, Kerberos, TLS and tables of East Asian text, with the libraries they ask
# for: what no script in a test guest imports. hashlib has its own digests without OpenSSL's.
readonly python_leaves_out=(
  __pycache__ config-3.* dist-packages sitecustomize.py EXTERNALLY-MANAGED '*.a'
  test tests idlelib tkinter turtledemo turtle.py lib2to3 ensurepip venv pydoc_data pydoc.py distutils
  xmlrpc wsgiref sqlite3 dbm curses
  '_ssl.*' '_hashlib.*' '_sqlite3.*' '_curses*' '_dbm.*' 'nis.*' 'readline.*' '_tkinter*' '_test*'
  'xxlimited*' '_xxtestfuzz*' '_codecs_cn*' '_codecs_hk*' '_codecs_iso2022*' '_codecs_jp*'
  '_codecs_kr*' '_codecs_tw*'
)

# build_image NAME FUNCTION PACKAGE...: makes NAME.cpio.gz of what FUNCTION puts into a folder, unless
# that was done from the same bulkhead-init, script and versions of the packages.
build_image() {
  local name=$1 fill=$2 root=$work/$1 inputs
  shift 2
  inputs="$(checksum_of "$init" "$here/build.sh" "$here/image.sh") $(for package in "$@"; do
    printf '%s=%s ' "$package" "$(installed_version "$package")"
  done)"
  if [[ -f $result/$name.cpio.gz && -f $result/$name.inputs && $(<"$result/$name.inputs") == "$inputs" ]]; then
    say "$name.cpio.gz is up to date"
    return
  fi
  say "making $name.cpio.gz"
  mkdir -p "$root"
  "$fill" "$root"
  pack "$root" | gzip -9 --no-name >"$work/$name.cpio.gz"
  # The record goes first and comes back last: an interruption means a rebuild, never a stale image.
  rm -f "$result/$name.inputs"
  mv "$work/$name.cpio.gz" "$result/$name.cpio.gz"
  printf '%s\n' "$inputs" >"$result/$name.inputs"
  say "$result/$name.cpio.gz: $(stat --format=%s "$result/$name.cpio.gz") bytes"
}

fill_busybox() {
  local root=$1 applet
  install -d "$root"/{bin,sbin,usr/bin,usr/sbin,dev,etc,proc,root,run,sys,tmp,var}
  install "$init" "$root/init"
  install /bin/busybox "$root/bin/busybox"
  for applet in $(/bin/busybox --list-full); do
    if [[ $applet != bin/busybox && $applet != init && $applet != sbin/init ]]; then
      ln -sf /bin/busybox "$root/$applet"
    fi
  done
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\ntty:x:5:\n' >"$root/etc/group"
  printf '127.0.0.1 localhost bulkhead\n::1 localhost\n' >"$root/etc/hosts"
}

fill_debian() {
  local root=$1 program
  fill_busybox "$root"
  for program in "${programs[@]}"; do take_file "$root" "$program"; done
  take_perl "$root"
  take_python "$root"
  take_libraries "$root"
}

# The modules of perl-base, which are what Debian's own boot scripts live on, and those of perl_modules
# with their libraries.
take_perl() {
  local root=$1 file folder module
  while read -r file; do
    if [[ -f $file && $file == */perl-base/* ]]; then take_file "$root" "$file"; fi
  done < <(dpkg-query --listfiles perl-base)
  for folder in $(/usr/bin/perl -MConfig -e 'print "$Config{archlibexp} $Config{privlibexp}"'); do
    for module in "${perl_modules[@]}"; do
      while read -r file; do take_file "$root" "$file"; done < <(
        # A module has only some of these. Not below auto/: there lie ten megabytes of East Asian text.
        find -L "$folder/$module.pm" "$folder/$module" -type f -name '*.p[lm]' 2>/dev/null || true
        find -L "$folder/auto/$module" -maxdepth 1 -type f -name '*.so' 2>/dev/null || true
      )
    done
  done
}

# The standard library as byte code alone: half the size, and no start of python compiles what it imports.
take_python() {
  local root=$1 python version leave_out=() pattern
  python=$(readlink --canonicalize /usr/bin/python3)
  version=${python##*/}
  take_file "$root" "$python"
  ln -sf "$version" "$root/usr/bin/python3"
  for pattern in "${python_leaves_out[@]}"; do leave_out+=("--exclude=$pattern"); done
  mkdir -p "$root/usr/lib"
  tar --create --dereference --directory=/usr/lib "${leave_out[@]}" "$version" |
    tar --extract --no-same-owner --directory="$root/usr/lib"
  PYTHONHASHSEED=0 "$python" -m compileall -q -b -j 0 --invalidation-mode unchecked-hash \
    -s "$root" "$root/usr/lib/$version"
  find "$root/usr/lib/$version" -name '*.py' -delete
}

[[ -f $init && -x $init ]] || fail "$init is not a program; build it with: cmake --build BUILD-FOLDER --target bulkhead-init"
lock "$result.lock"
need_packages cpio "${packages[@]}"
mkdir -p "$result"
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
build_image busybox fill_busybox busybox-static
build_image debian fill_debian "${packages[@]}" libc6
