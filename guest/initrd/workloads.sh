#!/usr/bin/env bash
# Makes what guests run to prove themselves on real programs, once, into ${BULKHEAD_CACHE:-$HOME/.cache/bulkhead}/workloads:
# for each NAME, the folder NAME/ and its archive NAME.cpio, a layer to put on the debian initrd.
#   compiler  gcc and make of Debian for C, its headers, and the sources of zlib and Lua in /workload
#   python    CPython's regression tests (Debian's libpython3.11-testsuite) in /workload/python
#   perl      perl's own tests and its whole library in /workload/perl
#   openssl   openssl
#   node      node with its JIT compilers
# The layers are not compressed: a guest would spend more time on that than on its test.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR/.. source=common.sh
source "$here/../common.sh"
# shellcheck source-path=SCRIPTDIR source=image.sh
source "$here/image.sh"

if (($# > 0)); then fail "usage: $0"; fi
readonly result=$bulkhead_cache/workloads
readonly work=$result.work
readonly downloads=$result.downloads
readonly packages=(gcc-12 cpp-12 binutils make libc6-dev linux-libc-dev libgcc-12-dev perl perl-modules-5.36 openssl nodejs)
readonly python_tests=libpython3.11-testsuite
readonly python=python3.11
# Their versions are Debian 12's; security updates take the sources' names along, not what is tested here.
readonly sources=(zlib=1:1.2.13.dfsg-1 lua5.4=5.4.4-3+deb12u1 perl=5.36.0-7+deb12u3)
# Sanitizers, link-time optimisation, other languages: what compiling C does not need.
readonly compiler_leaves_out='/(doc|man|locale|lintian|info)/|san\.|lto1$|lto-dump|ld.gold|libgprofng|gprofng|/plugin/|libgfortran|libstdc|cc1plus|gdb/|/libc\.a$|libm-2.*\.a$|libmvec\.a$|gconv'

# quiet COMMAND...: its words only if it fails.
quiet() {
  local words
  words=$("$@" 2>&1) || fail "$* failed: $words"
}

# apt-get with the lists of sources too, which this machine's own lists need not have.
apt_sources() {
  apt-get -q -o APT::Sandbox::User=root -o "Dir::State::Lists=$downloads/lists" \
    -o "Dir::Etc::SourceList=$downloads/sources.list" -o Dir::Etc::SourceParts=- "$@"
}

# download: the sources and packages that are used but need not be installed.
download() {
  local key=/usr/share/keyrings/debian-archive-keyring.gpg package
  mkdir -p "$downloads/lists/partial"
  printf 'deb-src [signed-by=%s] http://deb.debian.org/debian bookworm main\n' "$key" >"$downloads/sources.list"
  if [[ -f $downloads/complete && $(<"$downloads/complete") == "${sources[*]}" ]]; then return; fi
  say "downloading ${sources[*]} $python_tests"
  rm -f "$downloads"/*.{deb,dsc}
  quiet apt_sources update
  refresh_package_lists "$python_tests"
  (
    cd "$downloads"
    for package in "${sources[@]}"; do quiet apt_sources source --download-only "$package"; done
    quiet apt-get -q -o APT::Sandbox::User=root download "$python_tests"
  )
  printf '%s\n' "${sources[*]}" >"$downloads/complete"
}

# take_package ROOT PACKAGE LEAVE-OUT: an installed package's files but those LEAVE-OUT matches, links as links.
take_package() {
  dpkg-query --listfiles "$2" | grep -Ev "$3" | while read -r file; do
    if [[ -L $file || -f $file ]]; then printf '%s\n' "$file"; fi
  done | tar --create --files-from=- 2>/dev/null | tar --extract --no-same-owner --directory="$1"
}

# unpack_source ROOT ARCHIVE FOLDER [MEMBER]: a source's archive without its first folder.
unpack_source() {
  local archive
  archive=$(find "$downloads" -name "$2")
  mkdir -p "$1/workload/$3"
  tar --extract --no-same-owner --file="$archive" --directory="$1/workload/$3" --strip-components=1 ${4:+"$4"}
}

fill_compiler() {
  local root=$1 package
  mkdir -p "$root"/usr/{lib,lib64}
  for package in gcc-12 cpp-12 binutils binutils-x86-64-linux-gnu make libc6-dev libcrypt-dev linux-libc-dev libgcc-12-dev; do
    take_package "$root" "$package" "$compiler_leaves_out"
  done
  ln -sf gcc-12 "$root/usr/bin/gcc"
  ln -sf gcc-12 "$root/usr/bin/cc"
  take_libraries "$root"
  unpack_source "$root" 'zlib_*.orig.tar.bz2' zlib
  unpack_source "$root" 'lua5.4_*.orig.tar.gz' lua
}

fill_python() {
  local root=$1/workload/python file
  mkdir -p "$root" "$work/deb"
  dpkg-deb --extract "$downloads/$python_tests"_*.deb "$work/deb"
  # What helps tests lies in the standard library, and is newer in none of the two.
  cp --recursive "/usr/lib/$python/test" "$root/test"
  cp --recursive "$work/deb/usr/lib/$python/test/." "$root/test"
  for file in "/usr/lib/$python"/lib-dynload/_test*.so; do cp "$file" "$root"; done
  find "$root" -name __pycache__ -prune -exec rm -r {} +
  PYTHONHASHSEED=0 "/usr/bin/$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash \
    -x 'bad|lib2to3' -s "$1" "$root/test" >/dev/null || true
}

fill_perl() {
  local root=$1/workload/perl folder
  mkdir -p "$root/lib"
  unpack_source "$1" 'perl_*.orig.tar.xz' perl perl-5.36.0/t
  for folder in $(/usr/bin/perl -MConfig -e 'print "$Config{archlibexp} $Config{privlibexp}"') /usr/lib/x86_64-linux-gnu/perl-base; do
    tar --create --dereference --directory="$folder" --exclude='*.pod' --exclude=pod --exclude='Encode/[CJKT]*' --exclude=CORE . |
      tar --extract --no-same-owner --directory="$root/lib"
  done
}

fill_openssl() {
  take_file "$1" /usr/bin/openssl
  take_libraries "$1"
  mkdir -p "$1/usr/lib/ssl"
  cp --dereference /etc/ssl/openssl.cnf "$1/usr/lib/ssl/openssl.cnf"
}

fill_node() {
  take_file "$1" "$(readlink --canonicalize /usr/bin/node)"
  take_libraries "$1"
}

lock "$result.lock"
need_packages cpio "${packages[@]}"
inputs="$(checksum_of "$here/workloads.sh" "$here/image.sh") $(for package in "${packages[@]}" libc6 "$python"; do
  printf '%s=%s ' "$package" "$(installed_version "$package")"
done)"
inputs=$(sha256sum <<<"$inputs")
if is_current "$result" "$inputs"; then
  say "workloads are up to date"
  exit
fi
download
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/done"
for name in compiler python perl openssl node; do
  say "making workload $name"
  mkdir -p "$work/done/$name"
  "fill_$name" "$work/done/$name"
  pack "$work/done/$name" >"$work/done/$name.cpio"
done
publish "$work/done" "$result" "$inputs"
say "$result: $(du --human-readable --summarize "$result" | cut -f1)"
