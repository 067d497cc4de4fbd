#!/usr/bin/env bash
# Makes keys to test signatures with: keys.sh DIR
#
#   root.pem stranger-root.pem  authorities: the one that is trusted, and one that is not
#   officer.p12  agency.p12  P-256 and RSA keys by the root, with its certificate; password in
#                            `password`
#   first.p12  second.p12    two more officers, P-256 by the root
#   expired.p12              an officer whose certificate has expired
#   stranger.p12             an agency of the same name by the other authority
#   agency.key agency.pem    the agency's, as they go onto a token
#   renamed.pem              another certificate over the agency's key, by the same root
#   tsa.pem tsa.key tsa.conf a time stamp authority by the root
set -euo pipefail
dir=$1
mkdir -p "$dir"
cd "$dir"
exec >openssl.log 2>&1

subject() { echo "/C=VN/O=Mẫu/CN=$1"; }
new_key() {
    if [ "$2" = rsa ]; then
        openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key"
    else
        openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
    fi
}
authority() {
    new_key "$1" ec
    openssl req -x509 -new -utf8 -key "$1.key" -subj "$(subject "$2")" -days 3650 -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
# issue NAME AUTHORITY COMMON_NAME EXTENSIONS
issue() {
    printf 'basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%b\n' \
        "$4" >"$1.ext"
    openssl req -new -utf8 -key "${5:-$1}.key" -subj "$(subject "$3")" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 365 \
        -extfile "$1.ext" -out "$1.pem"
}
bundle() {
    openssl pkcs12 -export -inkey "$1.key" -in "$1.pem" -certfile "$2.pem" -passout file:password \
        -out "$1.p12"
}

printf 'mat khau thu' >password
signs='keyUsage=critical,digitalSignature,nonRepudiation'
authority root 'Cơ quan chứng thực mẫu'
authority stranger 'Cơ quan chứng thực lạ'
new_key officer ec
issue officer root 'Nguyễn Thị Quét' "$signs"
bundle officer root
for own in 'first:Lê Thị Một' 'second:Phạm Văn Hai' 'expired:Hoàng Văn Cũ'; do
    new_key "${own%%:*}" ec
    issue "${own%%:*}" root "${own#*:}" "$signs"
done
# Its time is over: nothing of OpenSSL 3.0 but `ca` makes such a certificate.
mkdir ca
touch ca/index.txt
printf '[ca]\ndefault_ca=own\n[own]\ndatabase=ca/index.txt\nnew_certs_dir=ca\nrand_serial=yes\n%b' \
    'default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n' >ca.conf
openssl ca -batch -utf8 -config ca.conf -in expired.csr -cert root.pem -keyfile root.key -notext \
    -startdate 20200101000000Z -enddate 20210101000000Z -extfile expired.ext -out expired.pem
for own in first second expired; do bundle "$own" root; done
new_key agency rsa
issue agency root 'ỦY BAN NHÂN DÂN XÃ MẪU' "$signs"
bundle agency root
issue renamed root 'ỦY BAN NHÂN DÂN XÃ KHÁC' "$signs" agency
mv stranger.pem stranger-root.pem
mv stranger.key stranger-root.key
new_key stranger rsa
issue stranger stranger-root 'ỦY BAN NHÂN DÂN XÃ MẪU' "$signs"
bundle stranger stranger-root
new_key tsa rsa
issue tsa root 'Dấu thời gian mẫu' \
    'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping'
echo 01 >tsa.serial
cat >tsa.conf <<'CONF'
[tsa]
default_tsa = own
[own]
serial = tsa.serial
crypto_device = builtin
signer_cert = tsa.pem
certs = root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
CONF
