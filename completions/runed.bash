# Completion of runed's command line for bash.

_runed() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" flags="--help --version" i
  # Bash makes a word of the `=` in --engine=native.
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == -- ]] && return  # Texts follow.
    [[ -z $command && ${COMP_WORDS[i]} != -* ]] && command=${COMP_WORDS[i]}
  done

  case $command in
    rerank)
      flags="--direct --expect-model --file --help --home --instruct --json --model --raw --socket
        --timeout --top --truncate --variant"
      ;;
    embed)
      flags="--dimensions --direct --document --expect-model --file --help --home --ids --instruct
        --json --model --query --socket --task --timeout --truncate --variant"
      ;;
    status)
      flags="--help --home --json --socket --wait-ready"
      ;;
    models)
      flags="--help --home --json --socket"
      ;;
    serve)
      # setting_table.cpp: flags, written by ACCEPT=1 unit_cmd '[settings]'
      flags="--cache-mb --compute --cpu --ctx-size --engine --help --home --idle-timeout --llama-profile
        --manifest --memory-budget --model --socket --threads --variant"
      # setting_table.cpp: end
      ;;
    reload)
      flags="--help --home --json --socket"
      ;;
    shutdown)
      flags="--force --grace --help --home --json --socket --wait"
      ;;
    convert)
      flags="--force --help --json --output --type"
      ;;
    install)
      flags="--default --dry-run --engine-only --export --from --help --home --json --list
        --manifest --model-only --name --offline --search --sha256 --socket --variant"
      ;;
    uninstall)
      flags="--dry-run --help --home --json --socket"
      ;;
    verify)
      flags="--deep --fix --help --home --json --socket"
      ;;
    doctor)
      flags="--help --home --json --socket"
      ;;
    gc)
      flags="--dry-run --help --home --json --keep --older-than --socket"
      ;;
  esac

  local words="" action=""
  case $previous in
    --export | --file | -f | --from | --output | -o) action=-f ;;
    --type) words="f32 f16 bf16 q8_0" ;;
    --truncate) words="error right left" ;;
    --dimensions | -d | --expect-model | --grace | --instruct | --keep | --name | --older-than | \
      --search | --sha256 | --timeout | --top | -k | --wait | --wait-ready)
      return  # A value that only the user knows.
      ;;
    # setting_table.cpp: values, written by ACCEPT=1 unit_cmd '[settings]'
    --manifest | --model | --socket) action=-f ;;
    --home) action=-d ;;
    --compute) words="auto f32 bf16 int16 int8" ;;
    --cpu) words="avx512-bf16 avx512-vnni avx512 avx-vnni avx2 portable" ;;
    --engine) words="auto native llama-server" ;;
    --llama-profile) words="speed lowmem" ;;
    --cache-mb | --ctx-size | --idle-timeout | --memory-budget | --threads | --variant) return ;;
    # setting_table.cpp: end
    *)
      if [[ $current == -* ]]; then
        words=$flags
      elif [[ $command == convert || $command == install ]]; then
        action=-f
      elif [[ -z $command ]]; then
        words="embed rerank status models serve reload shutdown convert install uninstall verify doctor gc"
      fi
      ;;
  esac
  if [[ -n $action ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$action" -- "$current")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _runed runed
