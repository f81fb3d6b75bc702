#!/usr/bin/env zsh
# Types command lines into an interactive zsh on a pseudo-terminal, presses Tab, and compares the
# lines that come out.
set -e
zmodload zsh/zpty

completions=${0:A:h:h:h}/completions
directory=$(mktemp -d)
trap 'rm -r $directory' EXIT
mkdir $directory/home
touch $directory/hello.txt

# The inner shell completes with Tab and shows its line with Control-X.
cat >$directory/.zshrc <<RC
PS1='READY> '
fpath=($completions \$fpath)
autoload -Uz compinit
compinit -u -D
LISTMAX=1000
show-line() { print -r -- "LINE<\$BUFFER>"; exit }
zle -N show-line
bindkey '^I' expand-or-complete
bindkey '^X' show-line
RC

integer failures=0

# completes LINE EXPECTED
completes() {
  local seen line
  zpty inner "ZDOTDIR=$directory TERM=dumb zsh -i"
  zpty -r inner seen '*READY> *'
  zpty -w -n inner "$1"$'\t\x18'
  zpty -r inner seen '*LINE<*>*'
  zpty -d inner
  line=${${seen#*LINE<}%>*}
  if [[ $line != $2 ]]; then
    print -r -- "'$1': expected '$2', got '$line'"
    failures+=1
  fi
}

zsh -n $completions/_runed
completes 'runed em' 'runed embed '
completes 'runed embed --dim' 'runed embed --dimensions='
completes 'runed embed --di' 'runed embed --di'
completes 'runed status --wa' 'runed status --wait-ready='
completes 'runed mo' 'runed models '
completes 'runed models --j' 'runed models --json '
completes 'runed rel' 'runed reload '
completes 'runed reload --s' 'runed reload --socket='
completes 'runed in' 'runed install '
completes 'runed install --mo' 'runed install --model-only '
completes 'runed install --ex' 'runed install --export='
for other in --dry-run --from=bundle.tar --list; do
  completes "runed install $other --ex" "runed install $other --ex"
  completes "runed install --export=bundle.tar ${other[1,5]}" \
    "runed install --export=bundle.tar ${other[1,5]}"
done
completes 'runed serve --ma' 'runed serve --manifest='
completes 'runed verify --d' 'runed verify --deep '
completes 'runed do' 'runed doctor '
completes 'runed gc --o' 'runed gc --older-than='
completes 'runed serve --cpu p' 'runed serve --cpu portable '
completes 'runed serve --compute b' 'runed serve --compute bf16 '
completes 'runed embed --truncate=r' 'runed embed --truncate=right '
completes "runed embed --file $directory/he" "runed embed --file $directory/hello.txt "
completes "runed install --from $directory/he" "runed install --from $directory/hello.txt "
completes "runed install --export=$directory/he" "runed install --export=$directory/hello.txt "
completes "runed serve --manifest $directory/he" "runed serve --manifest $directory/hello.txt "
completes "runed status --home $directory/h" "runed status --home $directory/home/"
exit $((failures > 0))
