#!/usr/bin/env bash
# Makes the secrets that deploy/compose.yaml mounts, at random, where they are not there yet:
# secrets.sh [FOLDER]
set -euo pipefail
folder=${1:-$(cd "$(dirname "$0")" && pwd)/secrets}
# Containers read them as users of their own; the folder keeps everybody else out.
mkdir -p "$folder" && chmod 700 "$folder"

keep() { [ -s "$folder/$1" ] || { printf '%s' "$2" >"$folder/$1" && chmod 644 "$folder/$1"; }; }
random() { od -An -v -N "${1:-24}" -t x1 /dev/urandom | tr -d ' \n'; }

keep database_password "$(random)"
# Without TLS: Compose's network `inside` leads nowhere out of the machine.
password=$(cat "$folder/database_password")
keep database_url "postgres://sohoa:$password@postgres/sohoa?sslmode=disable"
keep broker_password "$(random)"
keep broker_url "amqp://sohoa:$(cat "$folder/broker_password")@rabbitmq:5672/%2f"
keep broker_conf "default_user = sohoa
default_pass = $(cat "$folder/broker_password")
"
keep broker_cookie "$(random)"
keep store_secret_key "$(random)"
# Without it no paper can be read again: keep a copy elsewhere.
keep master_key "$(random 32)"
# Whichever process signs a head of the audit, all trust it.
if [ ! -s "$folder/audit_certificate" ]; then
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$folder/audit_key"
    openssl req -x509 -new -key "$folder/audit_key" -subj /CN=Sohoa -days 10950 \
        -addext keyUsage=critical,digitalSignature -out "$folder/audit_certificate"
    chmod 644 "$folder/audit_key" "$folder/audit_certificate"
fi
keep store_identities.json "{\"identities\": [{\"name\": \"sohoa\", \"credentials\":
  [{\"accessKey\": \"sohoa\", \"secretKey\": \"$(cat "$folder/store_secret_key")\"}],
  \"actions\": [\"Admin\", \"Read\", \"Write\", \"List\"]}]}
"
