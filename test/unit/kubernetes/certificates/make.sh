#!/bin/sh
# Makes the certificates of the tests beside it anew, for a hundred years: an authority, a server `127.0.0.1` and
# `api.test`, and a client `tester`. They open nothing but a server that a test itself starts.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
signed() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" |
    openssl x509 -req -CA authority.crt -CAkey authority.key -CAcreateserial -days 36500 -extfile "$2" -out "$1.crt"
}
key authority
openssl req -x509 -new -key authority.key -subj /CN=authority -days 36500 -out authority.crt
extensions=$(mktemp)
echo 'subjectAltName=IP:127.0.0.1,DNS:api.test' >"$extensions"
signed server "$extensions"
: >"$extensions"
signed tester "$extensions"
rm -f "$extensions" authority.key authority.srl
