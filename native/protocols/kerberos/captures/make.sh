#!/bin/bash
# Makes the captures of this folder anew: MIT's kinit and kvno talk to its KDC over the loopback of a network namespace of
# their own. Needs root, krb5-kdc, krb5-admin-server, krb5-user, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 198.51.100.2/32 dev lo
cat > krb5.conf << EOF
[libdefaults]
 default_realm = EXAMPLE.TEST
 dns_lookup_kdc = false
 allow_weak_crypto = true
 rdns = false
 dns_canonicalize_hostname = false
[realms]
 EXAMPLE.TEST = {
  kdc = 198.51.100.2:88
 }
 BY.TCP.TEST = { kdc = 198.51.100.2:88 }
EOF
cat > kdc.conf << EOF
[kdcdefaults]
 kdc_listen = 198.51.100.2:88
 kdc_tcp_listen = 198.51.100.2:88
[realms]
 EXAMPLE.TEST = {
  database_name = $work/principal
  key_stash_file = $work/stash
  acl_file = $work/acl
  supported_enctypes = aes256-cts:normal rc4-hmac:normal
  max_renewable_life = 7d
 }
EOF
export KRB5_CONFIG=$work/krb5.conf KRB5_KDC_PROFILE=$work/kdc.conf KRB5CCNAME=FILE:$work/cache
timeout 60 kdb5_util create -s -P master -r EXAMPLE.TEST > /dev/null 2>&1
add() { timeout 20 kadmin.local -q "addprinc $*" > /dev/null 2>&1; }
add +requires_preauth -pw secret alice
add -requires_preauth -pw secret legacy
add -randkey cifs/fs1.example.test
add -randkey -e rc4-hmac:normal MSSQLSvc/db.example.test
krb5kdc -n -P "$work/pid" > /dev/null 2>&1 &
server=$!
sleep 1

capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" port 88 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
login() { echo "${2:-secret}" | timeout 10 kinit -f -r 1d "$1" > /dev/null 2>&1 || true; }

capture tickets
login alice
timeout 10 kvno cifs/fs1.example.test > /dev/null 2>&1 || true
stop
capture refused
login alice wrong
login nobody
login legacy
timeout 10 kvno none/fs1.example.test > /dev/null 2>&1 || true
stop
capture roast
login alice
timeout 10 kvno -e rc4-hmac MSSQLSvc/db.example.test > /dev/null 2>&1 || true
stop
sed -i '/libdefaults/a\ udp_preference_limit = 1' krb5.conf
capture tcp
login alice
timeout 10 kvno cifs/fs1.example.test > /dev/null 2>&1 || true
stop
