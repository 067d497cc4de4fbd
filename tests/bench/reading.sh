#!/usr/bin/env bash
# Reads the pages of a folder with Sohoa and with the Tesseract command line, one after the
# other in one run, one page at a time: reading.sh BINDIR FOLDER
#
# Every NAME.gt.txt in FOLDER has an image beside it. Prints CPU seconds a page, peak memory, and
# characters misread: by line (each printed line looked for anywhere in the text) and whole (in
# order, too).
set -euo pipefail

bin=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
mkdir "$out/sohoa" "$out/tesseract"

images=()
for gold in "$folder"/*.gt.txt; do
    name=${gold%.gt.txt}
    for image in "$name".{jpg,tif,png}; do [ -f "$image" ] && images+=("$image"); done
done

# One page a call, so that both start anew for each; Sohoa reads, straightens and seals.
timed() {
    local reader=$1
    shift
    python3 "$here/timed.py" "$out/$reader.times" "$@"
}
for image in "${images[@]}"; do
    name=$(basename "${image%.*}")
    timed sohoa "$bin/sohoa" --log error read "$image" --jobs 1 \
        --text "$out/sohoa/$name.txt" --pdf "$out/sohoa/$name.pdf"
    OMP_THREAD_LIMIT=1 timed tesseract tesseract "$image" "$out/tesseract/$name" -l vie txt pdf
done
python3 "$here/table.py" "$folder" "$out" sohoa tesseract
