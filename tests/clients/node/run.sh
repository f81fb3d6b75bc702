#!/usr/bin/env bash
# README's client in Node, and what a program can do wrong: run.sh RUNED DIRECTORY.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
here=$root/tests/clients/node
name=client_node

for tool in node npm; do
  command -v "$tool" >/dev/null || leave_out "$name" "there is no $tool"
done

# Says why npm could not reach a registry; fails if that is not what went wrong.
unreachable() {
  grep -m 1 -oE '(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|ENOTCACHED|E5[0-9][0-9])\b' "$1"
}

# What package-lock.json names, once. Its hashes are compared by npm.
install_packages() {
  local packages=$directory/node_modules log=$directory/npm.log
  mkdir -p "$directory"
  cmp -s "$here/package-lock.json" "$packages/installed" && return
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$directory"
  if ! (cd "$directory" && timeout 240 npm ci --fetch-retries=1 --fetch-timeout=60000) \
    >"$log" 2>&1; then
    local why
    why=$(unreachable "$log") || {
      cat "$log" >&2
      exit 1
    }
    leave_out "$name" "the registry of npm cannot be reached: $why"
  fi
  cp "$here/package-lock.json" "$packages/installed"
}

install_packages
# README's first block is what every client needs, which the test uses too; with the second it is a
# program.
readme_block js >"$directory/readme.js"
{
  readme_block js 1
  echo 'module.exports = {runed, infoOf, infoOfError};'
} >"$directory/readme_setup.js"
cp "$here/client_test.js" "$directory"
start_daemon
cd "$root"
node "$directory/readme.js" >"$directory/readme.out" 2>&1 || {
  cat "$directory/readme.out" >&2
  exit 1
}
# A stream answers as it computes.
diff <(sort "$here/readme.expected") <(sort "$directory/readme.out")
RUNED_MODEL_FILE=$root/models/runed-mini.q8_0.gguf \
  RUNED_REFERENCE=$root/tests/data/runed_mini_reference_vectors.json \
  node "$directory/client_test.js"
