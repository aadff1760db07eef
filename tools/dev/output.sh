# What ./dev says: sourced by it. On a terminal one line moves per step; in a pipe one line is printed.

log_dir=$top/build/log

note() { printf '%s\n' "$*"; }

# fail WHAT [WHAT-TO-DO]: says so on stderr and ends ./dev.
fail() {
  printf 'dev: %s\n' "$1" >&2
  if [[ -n ${2:-} ]]; then printf 'dev: %s\n' "$2" >&2; fi
  exit 1
}

# show_last_line NAME: copies standard input to the log and its last line to the terminal.
show_last_line() {
  local line width
  width=$(tput cols 2>/dev/null || echo 80)
  while IFS= read -r line; do
    printf '%s\n' "$line"
    line=${line//[$'\r\t\e']/ }
    printf '\r\e[K%s' "${1}: ${line:0:width - ${#1} - 3}" >/dev/tty
  done
}

# try_step NAME COMMAND...: runs COMMAND with its output in build/log/NAME.log; prints one line about
# it and, if it failed, the end of the log. Returns COMMAND's status.
try_step() {
  local name=$1 status=0 start=$SECONDS log
  shift
  mkdir -p "$log_dir"
  log=$log_dir/${name//[^a-zA-Z0-9_-]/-}.log
  if [[ -t 1 && -w /dev/tty ]]; then
    set -o pipefail
    { "$@" 2>&1 </dev/null; } | show_last_line "$name" >"$log" || status=$?
    printf '\r\e[K'
  else
    "$@" >"$log" 2>&1 </dev/null || status=$?
  fi
  if [[ $status == 0 ]]; then
    printf '%-44s ok      %4d s\n' "$name" $((SECONDS - start))
  else
    printf '%-44s FAILED  %4d s  (%s)\n' "$name" $((SECONDS - start)) "$log"
    tail -n "${DEV_FAILURE_LINES:-60}" "$log" | sed 's/^/  | /'
  fi
  return $status
}

# step NAME COMMAND...: the same, and a failure ends ./dev.
step() {
  try_step "$@" || fail "$1 failed" "the whole output is in $log_dir"
}
