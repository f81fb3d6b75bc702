#!/usr/bin/env fish
# Completes command lines as fish does, and compares what is offered.
source (dirname (status filename))/../../completions/runed.fish

set -g failures 0

# offers LINE WORD...: the cursor is at the end of the line.
function offers
    set -l offered (complete --do-complete=$argv[1] | string split --fields 1 \t)
    if test "$offered" != "$argv[2..]"
        echo "'$argv[1]': expected '$argv[2..]', was offered '$offered'"
        set -g failures (math $failures + 1)
    end
end

set -l directory (mktemp -d)
mkdir $directory/home
touch $directory/hello.txt

offers 'runed ' convert doctor embed gc install models reload rerank serve shutdown status uninstall verify
offers 'runed em' embed
offers 'runed embed --di' --dimensions --direct
offers 'runed status --wa' --wait-ready
offers 'runed models --' --help --home --json --socket
offers 'runed reload --j' --json
offers 'runed install --m' --manifest --model-only
offers 'runed serve --m' --manifest --memory-budget --model
offers 'runed verify --d' --deep
offers 'runed doctor --j' --json
offers 'runed gc --o' --older-than
offers 'runed serve --cpu avx5' avx512 avx512-bf16 avx512-vnni
offers 'runed serve --compute in' int8 int16
offers 'runed serve --threads '
offers 'runed embed --truncate ri' right
offers "runed embed --file $directory/h" $directory/hello.txt $directory/home/
offers "runed install --from $directory/h" $directory/hello.txt $directory/home/
offers "runed install --export $directory/he" $directory/hello.txt
offers "runed serve --manifest $directory/he" $directory/hello.txt
offers "runed status --home $directory/h" $directory/home/
offers 'runed embed --timeout '
offers 'runed install --variant '
offers 'runed gc --keep '
offers 'runed embed some'

rm -r $directory
test $failures -eq 0
