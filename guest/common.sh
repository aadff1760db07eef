# shellcheck shell=bash
# Sourced by the scripts of guest/: where results are kept, and the rules by which each is made once.

# shellcheck disable=SC2034  # read by the scripts that source this
bulkhead_cache=${BULKHEAD_CACHE:-$HOME/.cache/bulkhead}

# say WORDS...: progress, for a person at a terminal, or for a program that asks for it with
# BULKHEAD_PROGRESS.
say() {
  if [[ -t 1 || -n ${BULKHEAD_PROGRESS:-} ]]; then printf '%s\n' "$*"; fi
}

# fail WORDS...: what was being done, to what, why not, and what to do next.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# lock FILE: held until the script ends, so that one of several runs builds and the others find its result.
lock() {
  mkdir -p "$(dirname "$1")"
  exec {lock_fd}>"$1"
  if ! flock --nonblock "$lock_fd"; then
    say "waiting for another run that holds $1"
    flock "$lock_fd"
  fi
}

# need_packages NAME...: installs the Debian packages that are missing.
need_packages() {
  local name missing=()
  for name in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
      missing+=("$name")
  done
  if ((${#missing[@]} == 0)); then return; fi
  if ((EUID != 0)); then
    fail "packages missing: ${missing[*]}; install them with: sudo apt-get install ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  refresh_package_lists "${missing[0]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get install ${missing[*]} failed; see its words above"
}

# refresh_package_lists NAME: a fresh container has no lists, and so does not know NAME.
refresh_package_lists() {
  if [[ -n $(candidate_version "$1") || $EUID -ne 0 ]]; then return; fi
  say "reading package lists"
  apt-get update -qq || fail "apt-get update failed; see its words above"
}

installed_version() {
  dpkg-query --show --showformat='${Version}' "$1" 2>/dev/null || true
}

candidate_version() {
  LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -vx '(none)' || true
}

# checksum_of FILE...: one checksum over names and contents, whatever the folder they stand in.
checksum_of() {
  local file
  for file in "$@"; do
    printf '%s %s\n' "${file##*/}" "$(sha256sum <"$file")"
  done | sha256sum | cut -d' ' -f1
}

# is_current RESULT INPUTS: whether the folder RESULT was made from exactly INPUTS.
is_current() {
  [[ -f $1/inputs.sha256 && $(<"$1/inputs.sha256") == "$2" ]]
}

# publish WORK RESULT INPUTS: puts the finished folder WORK in the place of RESULT.
# Whoever reads RESULT meanwhile finds the old one whole, the new one whole or, for an instant, none.
publish() {
  printf '%s\n' "$3" >"$1/inputs.sha256"
  rm -rf "$2.old"
  if [[ -e $2 ]]; then mv "$2" "$2.old"; fi
  mv "$1" "$2"
  rm -rf "$2.old"
}
