#!/usr/bin/env bash
# Starts `sohoa all`, sends the sample dossiers through it, and keeps serving: try.sh BINDIR
#
# What was sent before is there still: a second call just starts. DATA and LISTEN in the
# environment choose another folder and address.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "$1" && pwd)
data=${DATA:-$root/.sohoa}
listen=${LISTEN:-127.0.0.1:7070}
server=http://$listen
sample=$root/tests/papers/sample
papers=$data/giay-to

"$bin/sohoa" --log warn all --data "$data" --listen "$listen" &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait "$pid" || true' EXIT
trap 'exit 0' INT TERM
until curl -fsS "$server/readyz" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || exit 1
    sleep 0.1
done

if [ ! -d "$papers" ]; then
    mother=(--citizen 030196000045 --name 'Phan Thị Linh' --born 1996-02-02)
    father=(--citizen 030094000020 --name 'Đỗ Đức Dũng' --born 1994-07-26)
    home=(--procedure 1.004222 --case dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3)
    push() { "$bin/sohoa" push "$@" --server "$server" --key-file "$data/key" 2>&1; }

    printf '\n1. Đăng ký khai sinh: cả tập giấy đặt lên máy quét.\n\n'
    push "$sample"/khai-sinh/0* --procedure 1.001193 "${father[@]}"
    printf '\n2. Đăng ký thường trú: người mẹ nộp giấy lần đầu.\n\n'
    push "$sample"/thuong-tru/0* "${home[@]}" "${mother[@]}" | tee "$data/first.txt"
    printf '\n3. Lần sau, cùng người mẹ: giấy đã số hoá không phải nộp lại.\n\n'
    push "$sample"/thuong-tru/01* "${home[@]}" "${mother[@]}"

    mkdir "$papers"
    # In a file: what stands in a command line is there for everyone on this machine to see.
    (umask 077 && printf 'Authorization: Bearer %s\n' "$(cat "$data/key")" >"$data/authorization")
    code=$(sed -n 's/^Hồ sơ \([^ :]*\)$/\1/p' "$data/first.txt" | head -n 1)
    "$bin/sohoa" dossier "$code" --json --server "$server" --key-file "$data/key" |
        sed -n 's/.*"record": "\([0-9a-f-]*\)".*/\1/p' | sort -u | while read -r record; do
            curl -fsS "$server/v1/records/$record/file" -o "$papers/$record.pdf" \
                -H @"$data/authorization" -H 'Sohoa-Purpose: Xem thu' -H 'Sohoa-Asked-By: make run'
        done
fi

cat <<END

Sohoa đang chạy tại $server (Ctrl-C để dừng)
  giấy tờ số hoá (PDF/A):  $papers/
  mô tả giao diện:         $server/v1/openapi.json
  khoá truy cập:           $data/key (sohoa access --help)
  người quản trị:          administrator, mật khẩu lần đầu trong $data/administrator.password
  gửi thêm giấy:           $bin/sohoa push --key-file $data/key --help
END
wait "$pid"
