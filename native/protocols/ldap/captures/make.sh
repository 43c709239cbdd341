#!/bin/bash
# Makes the captures of this folder anew: OpenLDAP's clients talk to slapd over the loopback of a network namespace of their
# own. Needs root, slapd, ldap-utils, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 198.51.100.2/32 dev lo
mkdir db
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=ldap.example.test 2> /dev/null
cat > slapd.conf << EOF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile $work/cert.pem
TLSCertificateKeyFile $work/key.pem
database mdb
suffix "dc=example,dc=test"
rootdn "cn=admin,dc=example,dc=test"
rootpw secret
directory $work/db
EOF
slapd -f slapd.conf -h 'ldap://198.51.100.2:389' -d 0 > /dev/null 2>&1 &
server=$!
sleep 2
cat > tree.ldif << 'EOF'
dn: dc=example,dc=test
objectClass: domain
dc: example

dn: cn=Alice,dc=example,dc=test
objectClass: inetOrgPerson
cn: Alice
sn: Liddell
mail: alice@example.test

dn: cn=Bob,dc=example,dc=test
objectClass: inetOrgPerson
cn: Bob
sn: Builder
EOF
printf 'dn: cn=Bob,dc=example,dc=test\nchangetype: modify\nreplace: sn\nsn: Smith\n' > change.ldif
as() { echo "-x -H ldap://198.51.100.2 -o nettimeout=5 -D cn=admin,dc=example,dc=test -w $1"; }
capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" port 389 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
quiet() { timeout 10 "$@" > /dev/null 2>&1 || true; }

capture changes
quiet ldapadd $(as secret) -f tree.ldif
quiet ldapmodify $(as secret) -f change.ldif
quiet ldapmodrdn $(as secret) cn=Bob,dc=example,dc=test cn=Robert
quiet ldapdelete $(as secret) cn=Robert,dc=example,dc=test
quiet ldapwhoami $(as secret)
stop
capture search
quiet ldapsearch $(as secret) -b dc=example,dc=test '(&(objectClass=inetOrgPerson)(|(cn=Al*)(mail=*@example.test))(!(sn=Nobody)))' cn mail
quiet ldapsearch -x -H ldap://198.51.100.2 -s base -b '' '(objectClass=*)' '+'
quiet ldapsearch $(as secret) -b dc=none '(cn=x)'
stop
capture refused
quiet ldapsearch $(as wrong) -b dc=example,dc=test '(cn=x)'
stop
capture start_tls
LDAPTLS_REQCERT=never quiet ldapsearch -ZZ $(as secret) -b dc=example,dc=test '(cn=x)'
stop
