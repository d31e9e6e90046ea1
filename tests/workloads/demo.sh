#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ./dev demo: the daemon with armed rules and three Python programs to tend, until Ctrl-C.
#   cycles.py          dead cycles with gc off      collect frees them
#   growing_dict.py    a global dict, live data     nothing can be freed: it is left alone
#   thread_buffers.py  freed, but held by malloc    trim gives it back
# MEMTEND_DEMO_ONCE=1: end with status 0 when both receipts are there (the end-to-end test).
set -euo pipefail
build=$(realpath "${1:?usage: demo.sh BUILD-DIRECTORY}")
workloads=$(realpath "$(dirname "$0")")
home=$(mktemp -d -t memtend-demo-XXXXXX)
export MEMTEND_RUNTIME_DIR=$home/run
children=()

finish() {
  trap - EXIT INT TERM
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait || true
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 0' INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_until() { # SECONDS COMMAND...
  local tries=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.2
  done
}
freed() { # RULE: a receipt of this rule says freed
  "$build/bin/memtend" receipts --json | python3 -c '
import json, sys
items = json.load(sys.stdin)["items"]
sys.exit(not any(r["rule"] == sys.argv[1] and r.get("outcome") == "freed" for r in items))' "$1"
}

"$build/bin/memtendd" --state-dir "$home/state" --runtime-dir "$home/run" \
  --http "127.0.0.1:${MEMTEND_DEMO_PORT:-$(free_port)}" --rules "$workloads/demo.rules" 2>"$home/log" &
children+=($!)
wait_until 20 "$build/bin/memtend" status || { cat "$home/log" >&2; exit 1; }

for program in cycles growing_dict thread_buffers; do
  "$build/bin/memtend" run --name "$program" -- python3 "$workloads/$program.py" 150 &
  children+=($!)
done
printf '\nDashboard: '
"$build/bin/memtend" open --state-dir "$home/state"
printf 'Three programs are running, each above 100 MiB soon. Watching for receipts ...\n\n'

for rule in collect-dead-cycles trim-free-heap; do
  wait_until 90 freed "$rule" || { echo "no receipt of $rule within 90 s" >&2; cat "$home/log" >&2; exit 1; }
done
"$build/bin/memtend" receipts
printf '\nThe dict is live data: no rule fits it, so it is left alone.\n'
"$build/bin/memtend" ps -q growing_dict.py
[ -z "${MEMTEND_DEMO_ONCE:-}" ] || exit 0
printf '\nCtrl-C ends the demo.\n'
wait "${children[0]}"
