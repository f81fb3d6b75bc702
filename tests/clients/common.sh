# Sourced by the tests of clients in other languages: run.sh RUNED DIRECTORY, where DIRECTORY is what
# may be written to, and kept. The code is README's own, so what README shows has been run.
set -euo pipefail

runed=$1
directory=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kLeftOut=77  # ctest takes it for a test that was left out.

# leave_out TEST REASON: ends the test, said where scripts/test finds it.
leave_out() {
  printf "runed: LEFT OUT: '%s': %s\n" "$1" "$2" >&2
  exit "$kLeftOut"
}

# readme_block LANGUAGE [NUMBER]: a code block of README, or all of that language, one after another.
readme_block() {
  awk -v language="$1" -v number="${2-0}" '
    /^```/ && inside { inside = 0; next }
    /^```/ { inside = 1; wanted = substr($0, 4) == language && (++seen[substr($0, 4)] == number || !number); next }
    inside && wanted' "$root/README.md"
}

# A daemon where README's code looks for it: in the data directory that is named, not in that of the
# user. It ends with this script.
start_daemon() {
  home=$(mktemp -d /tmp/runed-client.XXXXXX)
  unset "${!RUNED_@}"
  export HOME=$home RUNED_HOME=$home/data
  "$runed" serve 2>"$home/serve.log" &
  daemon=$!
  trap 'kill "$daemon" 2>/dev/null; wait "$daemon" || true; rm -rf "$home"' EXIT
  "$runed" status --wait-ready 60 >/dev/null || {
    cat "$home/serve.log" >&2
    exit 1
  }
}
