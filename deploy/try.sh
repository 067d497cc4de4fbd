#!/usr/bin/env bash
# Starts `sohoa all`, sends the sample dossiers through it, and keeps serving: try.sh BINDIR
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "$1" && pwd)
data=${DATA:-$root/.sohoa}
listen=${LISTEN:-127.0.0.1:7070}
server=http://$listen
sample=$root/tests/papers/sample

mkdir -p "$data"
"$bin/sohoa" --log warn all --data "$data" --listen "$listen" --config "$root/deploy/try.toml" &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait "$pid"' EXIT
trap 'exit 0' INT TERM

for _ in $(seq 100); do
    curl -fsS "$server/readyz" >/dev/null 2>&1 && break
    kill -0 "$pid" 2>/dev/null || exit 1
    sleep 0.1
done
