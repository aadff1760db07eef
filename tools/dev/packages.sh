# Installs Debian packages: sourced by ./dev.

# wanted_packages GROUP...: the packages of these groups, once each.
wanted_packages() {
  local groups=" $* "
  local group package
  while read -r group package _; do
    if [[ $groups == *" $group "* ]]; then echo "$package"; fi
  done < <(grep -E '^[a-z]' "$top/tools/packages.txt") | sort -u
}

# missing_packages: reads package names, prints those not installed.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' | awk '$2 == "installed" {print $1}')
  while read -r package; do
    grep -qxF -- "$package" <<<"$installed" || echo "$package"
  done
}

# as_root COMMAND...: runs it as root, through sudo when we are not.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root to run: $*" "run ./dev as root, install sudo, or have the packages above installed"
  fi
}

# apt_lists_know PACKAGE...: true when every package has a candidate version.
apt_lists_know() {
  local package
  for package in "$@"; do
    apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
  done
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# install_packages GROUP...: installs what is missing of these groups, and nothing else.
install_packages() {
  local missing
  mapfile -t missing < <(wanted_packages "$@" | missing_packages)
  if [[ ${#missing[@]} == 0 ]]; then return; fi
  command -v apt-get >/dev/null ||
    fail "no apt-get here; Bulkhead is built on Debian 12" "install by hand: ${missing[*]}"
  note "installing: ${missing[*]}"
  apt_lists_know "${missing[@]}" || step "package lists" as_root apt-get update
  if ! try_step "packages" apt_install "${missing[@]}"; then
    # Lists that are older than the mirror name versions it no longer has.
    step "package lists" as_root apt-get update
    step "packages" apt_install "${missing[@]}"
  fi
}
