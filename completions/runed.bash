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
    embed)
      flags="--dimensions --direct --expect-model --file --help --home --ids --instruct --json
        --model --query --socket --timeout --truncate --variant"
      ;;
    status)
      flags="--help --home --json --socket --wait-ready"
      ;;
    serve)
      flags="--cpu --ctx-size --engine --help --home --idle-timeout --model --socket --variant"
      ;;
    shutdown)
      flags="--force --grace --help --home --json --socket --wait"
      ;;
  esac

  local words=""
  case $previous in
    --file | -f | --model | --socket)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --home)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --cpu) words="avx512 avx2 portable" ;;
    --engine) words="auto native llama-server" ;;
    --truncate) words="error right left" ;;
    --ctx-size | --dimensions | -d | --expect-model | --grace | --idle-timeout | --instruct | \
      --timeout | --variant | --wait | --wait-ready)
      return  # A value that only the user knows.
      ;;
    *)
      if [[ $current == -* ]]; then
        words=$flags
      elif [[ -z $command ]]; then
        words="embed status serve shutdown"
      fi
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _runed runed
