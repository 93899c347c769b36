# Generated from src/cli/flags.ts; `npx vitest run test/packaging/texts.test.ts -u` writes it again.
# shellcheck shell=bash

_mailpath_exporter() {
  local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} equals=
  # Readline takes --flag=value for three words.
  if [[ $word == = ]]; then
    word=
    equals=yes
  elif [[ $flag == = && $COMP_CWORD -ge 2 ]]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
    equals=yes
  fi
  COMPREPLY=()
  case $flag in
    --config.file) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    --config.auto-reload-interval) ;;
    --web.listen-address) ;;
    --web.config.file) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    --web.allowed-host) ;;
    --web.external-url) ;;
    --web.route-prefix) ;;
    --state.file) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    --shard) ;;
    --log.level) mapfile -t COMPREPLY < <(compgen -W 'debug info warn error' -- "$word") ;;
    --log.format) mapfile -t COMPREPLY < <(compgen -W 'json pretty' -- "$word") ;;
    --only) mapfile -t COMPREPLY < <(compgen -W 'postgres patroni haproxy pgbouncer write_path smtp vault kubernetes ses dns outbox canary settings packages drift mail' -- "$word") ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'table markdown json' -- "$word") ;;
    --dotenv) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    --kubernetes) ;;
    --kubeconfig) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    --patroni) ;;
    --haproxy) ;;
    --vault) ;;
    --ca-file) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    --output) mapfile -t COMPREPLY < <(compgen -f -- "$word") && compopt -o filenames 2>/dev/null ;;
    *)
      [[ -n $equals ]] && return
      if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--config.file= --config.enable-auto-reload --config.auto-reload-interval= --web.listen-address= --web.systemd-socket --web.config.file= --web.allowed-host= --web.external-url= --web.route-prefix= --web.enable-lifecycle --state.file= --shard= --log.level= --log.format= --only= --format= --debug --dotenv= --kubernetes= --kubeconfig= --patroni= --haproxy= --vault= --ca-file= --output= --version --help' -- "$word")
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
      else
        mapfile -t COMPREPLY < <(compgen -W 'serve check check-config init' -- "$word")
      fi
      ;;
  esac
  return 0
}

complete -F _mailpath_exporter mailpath-exporter
