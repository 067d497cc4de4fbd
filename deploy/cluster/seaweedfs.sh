#!/usr/bin/env bash
# A private S3 store (SeaweedFS) on loopback: seaweedfs.sh start|stop|status DIR [PORT]
#
#   start   starts it in DIR and waits until it keeps an object; returns at once when it is up
#   stop    stops it; what it keeps stays in DIR
#   status  says its URL and succeeds when it is up, fails when it is not
#
# Bucket `sohoa`, region `us-east-1`, access key `sohoa`, secret key `sohoa-local`: known to
# everybody, so it listens on 127.0.0.1 alone. PORT (28333) is where S3 answers, PORT+8 where it
# answers over TLS (certificate DIR/ca.pem); PORT+1 to PORT+7 are its parts' own. Every write is
# synced to disk before it is answered. The program is .parts/bin/weed, which
# `deploy/setup.sh test` fetches.
set -euo pipefail

action=${1:?start, stop or status}
mkdir -p "${2:?a folder}"
dir=$(cd "$2" && pwd)
port=${3:-28333}
weed=$(cd "$(dirname "$0")/../.." && pwd)/.parts/bin/weed
url=http://127.0.0.1:$port
key=sohoa secret=sohoa-local bucket=sohoa

running() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) &&
        tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "-dir=$dir/data"
}

s3() {
    local method=$1 path=$2
    shift 2
    curl -fsS -o /dev/null --max-time 10 --aws-sigv4 aws:amz:us-east-1:s3 --user "$key:$secret" \
        -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -X "$method" "$@" "$url/$bucket/$path" \
        2>>"$dir/log"
}

# Up is who keeps what it is given: a store that lists but has no volume yet isn't.
answers() { running && s3 PUT up --data-binary up && s3 DELETE up; }

shell() { "$weed" shell -master="127.0.0.1:$((port + 1)).$((port + 4))" >>"$dir/log" 2>&1; }

start() {
    answers && return 0
    running && stop
    [ -x "$weed" ] || { echo "seaweedfs: $weed is missing: deploy/setup.sh test" >&2; exit 1; }
    mkdir -p "$dir/data" "$dir/home"
    cat >"$dir/s3.json" <<JSON
{"identities": [{"name": "sohoa", "credentials": [{"accessKey": "$key", "secretKey": "$secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
    [ -f "$dir/ca.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -keyout "$dir/tls.key" -out "$dir/ca.pem" -days 3650 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -addext basicConstraints=critical,CA:false 2>>"$dir/log"
    [ -f "$dir/kek" ] || openssl rand -hex 32 >"$dir/kek"
    # Ports of its parts are named one by one: left to itself it adds 10,000, which is where the
    # kernel hands out ports of its own. Volumes are many and small, for every bucket and every
    # kind of disk takes seven at once.
    cd "$dir"
    HOME=$dir/home WEED_S3_SSE_KEK=$(cat "$dir/kek") setsid "$weed" -logtostderr=true server -dir="$dir/data" \
        -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
        -master.port=$((port + 1)) -master.port.grpc=$((port + 4)) \
        -master.electionTimeout=1s -master.heartbeatInterval=100ms \
        -master.volumeSizeLimitMB=512 -volume.max=200 -volume.preStopSeconds=0 \
        -volume.port=$((port + 2)) -volume.port.grpc=$((port + 5)) \
        -filer -filer.port=$((port + 3)) -filer.port.grpc=$((port + 6)) \
        -filer.localSocket=filer.sock \
        -s3 -s3.port="$port" -s3.port.grpc=$((port + 7)) -s3.config="$dir/s3.json" -s3.autoCreateBucket=false \
        -s3.port.https=$((port + 8)) -s3.cert.file="$dir/ca.pem" -s3.key.file="$dir/tls.key" \
        -s3.localSocket=s3.sock -s3.port.iceberg=0 -s3.port.lance=0 \
        >>"$dir/log" 2>&1 </dev/null 9>&- &
    local pid=$! made=0
    echo $pid >"$dir/pid"
    for _ in $(seq 300); do
        # By its number alone: for a moment it is still this script, and not yet the store.
        kill -0 $pid 2>/dev/null || break
        if [ $made = 0 ] && curl -s -o /dev/null "$url" &&
            curl -s -o /dev/null "http://127.0.0.1:$((port + 3))/"; then
            shell <<SHELL
lock
s3.bucket.create -name $bucket
fs.configure -locationPrefix=/buckets/ -fsync -apply
unlock
SHELL
            made=1
        fi
        [ $made = 1 ] && answers && return 0
        sleep 0.1
    done
    echo "seaweedfs: it does not start; see $dir/log" >&2
    tail -n 20 "$dir/log" >&2
    stop
    exit 1
}

# The volumes are closed within a second of being asked; its other parts then wait a quarter of a
# minute or more for each other, and hold nothing that a kill could lose.
stop() {
    running || { rm -f "$dir/pid"; return 0; }
    local pid
    pid=$(cat "$dir/pid")
    kill "$pid"
    for _ in $(seq 30); do
        running || break
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$dir/pid"
}

# One at a time; the store itself must not inherit the lock.
exec 9>"$dir/lock"
flock 9
case $action in
    start) start && echo "$url" ;;
    stop) stop ;;
    status) running && echo "$url" ;;
    *) echo "seaweedfs: start, stop or status" >&2; exit 2 ;;
esac
