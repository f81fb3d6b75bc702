#!/usr/bin/env bash
# Completes command lines as bash does, and compares what is offered.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../completions/runed.bash"

failures=0

# offers "what is expected, space-separated" WORD...: the cursor is at the end of the last word.
offers() {
  local expected=$1 offered
  shift
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _runed || :  # compopt fails where no completion is under way.
  offered="${COMPREPLY[*]}"
  if [[ $offered != "$expected" ]]; then
    printf "'%s': expected '%s', was offered '%s'\n" "$*" "$expected" "$offered"
    failures=$((failures + 1))
  fi
}

directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
mkdir "$directory/home"
touch "$directory/hello.txt"

offers "embed rerank status models serve reload shutdown convert install uninstall verify doctor gc" runed ""
offers "embed" runed em
offers "--dimensions --direct" runed embed --di
offers "--wait-ready" runed status --wa
offers "--help --home --json --socket" runed models --
offers "--json" runed reload --j
offers "--manifest --model-only" runed install --m
offers "--manifest --memory-budget --model" runed serve --m
offers "--deep" runed verify --d
offers "--json" runed doctor --j
offers "--older-than" runed gc --o
offers "--grace" runed --help shutdown --g
offers "avx512-bf16 avx512-vnni avx512 avx-vnni avx2" runed serve --cpu av
offers "int16 int8" runed serve --compute in
offers "" runed serve --threads ""
offers "right" runed embed --truncate ri
offers "right" runed embed --truncate = ri
offers "auto native llama-server" runed serve --engine =
offers "speed lowmem" runed serve --llama-profile ""
offers "$directory/hello.txt $directory/home" runed embed --file "$directory/h"
offers "$directory/hello.txt $directory/home" runed install --from "$directory/h"
offers "$directory/hello.txt" runed install --export "$directory/he"
offers "$directory/hello.txt" runed serve --manifest = "$directory/he"
offers "$directory/home" runed status --home "$directory/h"
offers "" runed embed --timeout ""
offers "" runed install --variant ""
offers "" runed gc --keep ""
offers "" runed embed some
offers "" runed embed -- --di
exit $((failures > 0))
