# shellcheck shell=bash
# Sourced by the scripts that make initramfs images: what an image is made of, and how it is packed.

# pack FOLDER: its archive on standard output, sorted, of one owner, without times, so that only contents count.
pack() {
  find "$1" -exec touch --no-dereference --date=@0 {} +
  (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort --zero-terminated |
    cpio --quiet --null --create --format=newc --owner=0:0 --reproducible)
}

# take_file ROOT PATH: a file of this machine, links followed, at the same path in the image.
take_file() {
  mkdir -p "$1$(dirname "$2")"
  rm -f "$1$2"
  cp --dereference "$2" "$1$2"
}

# Every shared library that a program or library already in the image asks for, at its own path.
take_libraries() {
  local root=$1 library
  while read -r library; do
    take_file "$root" "$library"
  done < <(find "$root" -type f \( -perm -u+x -o -name '*.so*' \) -exec ldd {} + 2>/dev/null |
    grep -o '/[^ ]*\.so[^ ]*' | grep -v "^$root" | LC_ALL=C sort --unique)
}
