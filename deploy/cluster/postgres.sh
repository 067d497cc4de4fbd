#!/usr/bin/env bash
# A private PostgreSQL on loopback: postgres.sh start|stop|status DIR [PORT]
#
#   start   makes the database cluster in DIR if it is not there, starts it unless it runs, waits
#           until it answers, and prints its URL. Without PORT the first free one from 25432 on is
#           taken and kept.
#   stop    stops it; the data stay
#   status  prints the URL when it answers, and fails when it doesn't
#
# It listens on 127.0.0.1 alone; the password is made at random and kept in DIR. PostgreSQL refuses
# to run as root, so for root it runs as the user postgres of the Debian package.
set -euo pipefail

usage() {
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
[ $# -ge 2 ] || usage
action=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port=${3:-}

bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { echo "postgres.sh: PostgreSQL is not installed" >&2; exit 1; }

# Runs a program of PostgreSQL as whoever may. None inherits the lock.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && exec runuser -u postgres -- "$@" 9>&-)
    else
        "$@" 9>&-
    fi
}

url() {
    echo "postgres://sohoa:$(cat "$dir/password")@127.0.0.1:$(cat "$dir/port")/postgres"
}

answers() {
    [ -s "$dir/port" ] && [ -s "$dir/password" ] &&
        as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1 &&
        "$bin/pg_isready" -q -h 127.0.0.1 -p "$(cat "$dir/port")"
}

taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

make() {
    # Half made is not made.
    rm -rf "$dir/data"
    (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$dir/password")
    local above=$dir
    if [ "$(id -u)" = 0 ]; then
        install -d -o postgres -g postgres -m 700 "$dir/data"
        chown postgres "$dir/password"
        while [ "$above" != / ]; do
            # The server must be able to reach its data, and nothing more.
            if ! runuser -u postgres -- test -x "$above"; then
                echo "postgres.sh: letting others pass through $above" >&2
                chmod o+x "$above"
            fi
            above=$(dirname "$above")
        done
    fi
    as_server "$bin/initdb" -D "$dir/data" -U sohoa --pwfile="$dir/password" \
        -A scram-sha-256 -E UTF8 --locale=C --data-checksums --no-sync >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; exit 1; }
    # Sizes for a machine of tests; durability as in production.
    as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 128MB
fsync = on
CONF
    touch "$dir/made"
}

start() {
    [ -e "$dir/made" ] || make
    if [ -z "$port" ]; then
        port=$(cat "$dir/port" 2>/dev/null || echo 25432)
        while taken "$port"; do port=$((port + 1)); done
    fi
    as_server "$bin/pg_ctl" -D "$dir/data" -s -w -t 60 -l "$dir/data/server.log" \
        -o "-p $port" start >&2 ||
        { as_server tail -n 20 "$dir/data/server.log" >&2; exit 1; }
    echo "$port" >"$dir/port"
}

# One at a time.
exec 9>"$dir/lock"
flock 9
case $action in
    start)
        answers || start
        url
        ;;
    stop)
        if as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
            as_server "$bin/pg_ctl" -D "$dir/data" -s -w -m fast stop >&2
        fi
        ;;
    status)
        answers || { echo "postgres.sh: not running" >&2; exit 1; }
        url
        ;;
    *) usage ;;
esac
