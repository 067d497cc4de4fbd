#!/usr/bin/env bash
# A private RabbitMQ on loopback, everything of it under DIR:
#
#   rabbitmq.sh start  DIR [PORT] [NODES]   starts it, waits until it answers, says its URL
#   rabbitmq.sh stop   DIR                  stops it cleanly; what it holds stays in DIR
#   rabbitmq.sh status DIR                  says the URL, or fails where it is down
#   rabbitmq.sh kill-node  DIR N            kills node N (1 to NODES) as a power cut would
#   rabbitmq.sh start-node DIR N            starts node N again and waits until it answers
#   rabbitmq.sh ctl DIR N ARGUMENT…         rabbitmqctl on node N
#
# Node N listens for AMQP on PORT + N - 1 (25672 unless said otherwise) and for the other nodes on
# PORT + 100 + N - 1, for AMQP over TLS on PORT + 150 + N - 1; PORT + 200 is its own port mapper's.
# NODES is 1 or 3. Both are remembered in DIR, as is the password of the user `sohoa`; DIR/tls/ca.pem
# vouches for the nodes. A second start returns at once. Needs Debian's rabbitmq-server, whose own
# node and files it never touches, and openssl.
set -euo pipefail

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2

sbin=$(echo /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)
if [ ! -x "$sbin/rabbitmq-server" ]; then
    echo "rabbitmq.sh: rabbitmq-server is not installed; see deploy/setup.sh" >&2
    exit 1
fi

umask 077
if [ "$command" = start ]; then
    [ -f "$dir/port" ] || echo "${1:-25672}" >"$dir/port"
    [ -f "$dir/nodes" ] || echo "${2:-1}" >"$dir/nodes"
fi
if [ ! -f "$dir/port" ] || [ ! -f "$dir/nodes" ]; then
    echo "rabbitmq.sh: nothing was started in $dir" >&2
    exit 1
fi
port=$(cat "$dir/port")
nodes=$(cat "$dir/nodes")
for secret in cookie password; do
    [ -f "$dir/$secret" ] || head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/$secret"
done
url=amqp://sohoa:$(cat "$dir/password")@127.0.0.1:$port/%2f

# at N PROGRAM ARGUMENT…: one of RabbitMQ's programs, as node N. The Erlang programs take all of
# this from the environment.
at() {
    local n=$1 home=$dir/node$1
    shift
    env -i PATH="$PATH" LANG=C.UTF-8 HOME="$home" \
        ERL_EPMD_PORT=$((port + 200)) ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_NODENAME="sohoa$n-$port@localhost" \
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$((port + n - 1)) \
        RABBITMQ_DIST_PORT=$((port + 100 + n - 1)) \
        RABBITMQ_MNESIA_BASE="$home/mnesia" RABBITMQ_LOG_BASE="$home/log" \
        RABBITMQ_SCHEMA_DIR="$home/schema" RABBITMQ_GENERATED_CONFIG_DIR="$home/config" \
        RABBITMQ_CONFIG_FILE="$home/rabbitmq" RABBITMQ_CONF_ENV_FILE="$home/env.conf" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/plugins" RABBITMQ_PID_FILE="$home/pid" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none" \
        "$sbin/$1" "${@:2}"
}

# An authority of this folder's own, and a certificate for all of its nodes.
certify() {
    [ -f "$dir/tls/node.pem" ] && return 0
    mkdir -p "$dir/tls"
    local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650)
    openssl req -x509 "${key[@]}" -subj '/CN=sohoa test authority' \
        -keyout "$dir/tls/ca.key" -out "$dir/tls/ca.pem" 2>/dev/null
    openssl req "${key[@]}" -subj /CN=localhost \
        -keyout "$dir/tls/node.key" -out "$dir/tls/node.csr" 2>/dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$dir/tls/names"
    openssl x509 -req -in "$dir/tls/node.csr" -CA "$dir/tls/ca.pem" -CAkey "$dir/tls/ca.key" \
        -CAcreateserial -days 3650 -extfile "$dir/tls/names" -out "$dir/tls/node.pem" 2>/dev/null
}

alive() {
    [ -f "$dir/node$1/pid" ] && kill -0 "$(cat "$dir/node$1/pid")" 2>/dev/null
}

# Answers with AMQP's greeting: the port alone is open before the node can serve.
answers() {
    local greeting
    alive "$1" || return 1
    greeting=$( (
        exec 3<>"/dev/tcp/127.0.0.1/$((port + $1 - 1))"
        printf 'AMQP\0\0\11\1' >&3
        timeout 5 head -c 1 <&3 | od -An -tx1 | tr -d ' \n'
    ) 2>/dev/null) || return 1
    [ "$greeting" = 01 ]
}

launch() {
    local n=$1 home=$dir/node$1
    alive "$n" && return 0
    certify
    mkdir -p "$home/log" "$home/mnesia"
    rm -f "$home/.erlang.cookie"
    install -m 400 "$dir/cookie" "$home/.erlang.cookie"
    touch "$home/env.conf"
    echo '[].' >"$home/plugins"
    cat >"$home/rabbitmq.conf" <<CONF
default_user = sohoa
default_pass = $(cat "$dir/password")
loopback_users = none
log.file.level = warning
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 100MB
listeners.ssl.1 = 127.0.0.1:$((port + 150 + n - 1))
ssl_options.cacertfile = $dir/tls/ca.pem
ssl_options.certfile = $dir/tls/node.pem
ssl_options.keyfile = $dir/tls/node.key
ssl_options.verify = verify_none
cluster_partition_handling = pause_minority
CONF
    at "$n" rabbitmq-server -detached >/dev/null
    # The server writes its pid itself, a moment later.
    for _ in $(seq 100); do
        alive "$n" && return 0
        sleep 0.1
    done
    echo "rabbitmq.sh: node $n did not start; see $home/log" >&2
    return 1
}

await() {
    for _ in $(seq 900); do
        answers "$1" && return 0
        if ! alive "$1"; then
            echo "rabbitmq.sh: node $1 ended; see $dir/node$1/log" >&2
            return 1
        fi
        sleep 0.1
    done
    echo "rabbitmq.sh: node $1 does not answer; see $dir/node$1/log" >&2
    return 1
}

# A node once joined stays joined, whatever happens to it.
join() {
    local n=$1
    [ -f "$dir/node$n/joined" ] && return 0
    at "$n" rabbitmqctl -q stop_app
    at "$n" rabbitmqctl -q join_cluster "sohoa1-$port@localhost"
    at "$n" rabbitmqctl -q start_app
    touch "$dir/node$n/joined"
}

start() {
    local n
    # All of them, then wait: one node of a stopped cluster waits for the others.
    for n in $(seq "$nodes"); do launch "$n" >&2; done
    for n in $(seq "$nodes"); do await "$n" >&2; done
    for n in $(seq 2 "$nodes"); do join "$n" >&2; done
}

stop() {
    local n m pids=()
    # A node that was told to end takes its pid file away long before it has ended.
    for n in $(seq "$nodes"); do
        alive "$n" || continue
        pids+=("$(cat "$dir/node$n/pid")")
    done
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" || true
    for n in "${pids[@]}"; do
        for m in $(seq 300); do
            kill -0 "$n" 2>/dev/null || break
            sleep 0.1
            [ "$m" != 300 ] || kill -KILL "$n"
        done
    done
    ERL_EPMD_PORT=$((port + 200)) ERL_EPMD_ADDRESS=127.0.0.1 epmd -kill >/dev/null 2>&1 || true
}

# One at a time in a folder. What stays running must not hold the lock.
exec 9>"$dir/lock"
case $command in
start)
    flock 9
    (start) 9>&-
    echo "$url"
    ;;
stop)
    flock 9
    (stop) 9>&-
    ;;
status)
    for n in $(seq "$nodes"); do answers "$n" || exit 1; done
    echo "$url"
    ;;
kill-node)
    [ $# = 1 ] || usage
    kill -KILL "$(cat "$dir/node$1/pid")"
    rm -f "$dir/node$1/pid"
    ;;
start-node)
    [ $# = 1 ] || usage
    flock 9
    (launch "$1" && await "$1") >&2 9>&-
    echo "$url"
    ;;
ctl)
    [ $# -ge 2 ] || usage
    exec 9>&-
    at "$1" rabbitmqctl "${@:2}"
    ;;
*) usage ;;
esac
