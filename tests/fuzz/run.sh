#!/usr/bin/env bash
# Runs every fuzz target, one after the other: run.sh SECONDS [FOLDER…]
#
# The corpus grows in target/fuzz/corpus from the files of the folders (see grow.py) and is kept
# for the next call. Ends with a table; what a target fell over lies in target/fuzz/findings, and
# makes this script fail. TARGETS in the environment chooses among them.
set -euo pipefail

seconds=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/fuzz
findings=$work/findings
mkdir -p "$findings" "$work/logs"
python3 "$here/grow.py" "$work/corpus" "$@"

# The sanitizer is asked of a stable compiler.
export RUSTC_BOOTSTRAP=1 PATH=$root/.parts/bin:$PATH
options=(--fuzz-dir "$here/engine" --target-dir "$work/build")
# The very versions that are shipped.
cp "$root/Cargo.lock" "$here/engine/Cargo.lock"
cargo fuzz build "${options[@]}"
read -ra targets <<<"${TARGETS:-$(cargo fuzz list --fuzz-dir "$here/engine" | tr '\n' ' ')}"

failed=0
for target in "${targets[@]}"; do
    echo "fuzz: $target, $seconds s"
    mkdir -p "$work/corpus/$target"
    cargo fuzz run "${options[@]}" "$target" "$work/corpus/$target" -- \
        -artifact_prefix="$findings/$target-" -max_total_time="$seconds" -print_final_stats=1 \
        -rss_limit_mb=1536 -timeout=20 >"$work/logs/$target" 2>&1 || failed=1
done

printf '\n| target | executions | a second | edges | peak MB | findings |\n|---|---|---|---|---|---|\n'
for target in "${targets[@]}"; do
    stat() { sed -n "s/^stat::$1: *//p" "$work/logs/$target"; }
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$work/logs/$target" | tail -n 1)
    found=$(find "$findings" -name "$target-*" | wc -l)
    echo "| $target | $(stat number_of_executed_units) | $(stat average_exec_per_sec) |" \
        "${edges:-0} | $(stat peak_rss_mb) | $found |"
done
exit "$failed"
