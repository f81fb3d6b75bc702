# Sourced by the other scripts: steps announced in one line, their output kept and shown on failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
logs="$root/build/logs"
mkdir -p "$logs"

say() { printf '%s\n' "runed: $*"; }

# step NAME "what it does" COMMAND...
step() {
  local log="$logs/$1.log" what=$2 begin=$SECONDS
  shift 2
  printf 'runed: %s ... ' "$what"
  if "$@" </dev/null >"$log" 2>&1; then
    printf 'done (%d s)\n' $((SECONDS - begin))
  else
    local code=$?
    printf 'failed (exit code %d)\n' "$code"
    tail -n 60 "$log" >&2
    printf 'runed: the whole log is %s\n' "$log" >&2
    exit "$code"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "packages are missing: run this as root, or install sudo" >&2
    exit 77
  fi
}

install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq &&
    as_root apt-get install -y -qq --no-install-recommends "$@"
}

# What is installed, and what that provides: a nodejs of another vendor has npm in it, and refuses
# Debian's beside it.
there_already() {
  dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' |
    sed -n 's/^installed //p' | tr , '\n' | sed 's/(.*//; s/[[:space:]]//g'
}

# install_packages LIST...: what these lists in scripts/ have and this machine lacks.
install_packages() {
  local there missing
  there=$(there_already)
  mapfile -t missing < <(cd scripts && grep -hv '^#' "$@" | grep -vxF "$there")
  [ ${#missing[@]} = 0 ] && return
  if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then sudo -v; fi
  step packages "installing ${#missing[@]} Debian packages" install_missing "${missing[@]}"
}
