#!/bin/sh
# Makes the captures of this folder anew: dig, nsupdate and dnsmasq over the loopback of a network namespace of their
# own, and Python where no program at hand speaks a dialect. Needs root, bind9-dnsutils, dnsmasq, tcpdump, python3.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.53/32 dev lo
ip addr add 2001:db8::53/128 dev lo
ip route add 224.0.0.0/4 dev lo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# example.test and its reverse zone, with one record of each kind dnsmasq can hold.
cat > dnsmasq.conf << EOF
no-resolv
no-hosts
no-daemon
user=root
bind-interfaces
listen-address=192.0.2.53
cache-size=0
pid-file=$work/dnsmasq.pid
auth-server=ns1.example.test,192.0.2.53
auth-zone=example.test
auth-soa=20260101,hostmaster.example.test
auth-sec-servers=ns2.example.test
auth-ttl=300
host-record=www.example.test,192.0.2.80,2001:db8::80,300
host-record=ns1.example.test,192.0.2.53
host-record=a.example.test,192.0.2.10
host-record=b.example.test,192.0.2.11
cname=alias.example.test,www.example.test
mx-host=example.test,mx1.example.test,10
txt-record=example.test,v=spf1 -all,a second string
srv-host=_sip._tcp.example.test,sip.example.test,5060,1,2
naptr-record=example.test,100,50,s,SIP+D2T,,_sip._tcp.example.test
caa-record=example.test,128,issue,ca.example
dns-rr=www.example.test,65,00010000010003026832
dns-rr=example.test,44,0101f90fd396
ptr-record=80.2.0.192.in-addr.arpa,www.example.test
EOF

capture() { # name, filter: until the next stop
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" "$2" 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
serve() { # port
  dnsmasq -C dnsmasq.conf -p "$1" > /dev/null 2>&1 &
  server=$!
  sleep 1
}
unserve() { kill "$server" && wait "$server" 2> /dev/null || true; }
ask() { dig +tries=1 +time=1 -b 192.0.2.1 @192.0.2.53 "$@" > /dev/null 2>&1 || true; }

serve 53
capture types 'port 53'
for query in 'www.example.test A' 'www.example.test AAAA' 'WWW.Example.Test A' 'alias.example.test A' 'example.test MX' \
  'example.test TXT' '_sip._tcp.example.test SRV' 'example.test NAPTR' 'example.test CAA' 'www.example.test HTTPS' \
  'example.test SSHFP' 'example.test SOA' 'example.test NS' 'example.test ANY' 'none.example.test A' 'version.bind CH TXT' \
  'www.example.test TYPE4711' '. NS'; do
  # shellcheck disable=SC2086
  ask $query
done
ask -x 192.0.2.80
ask www.example.test A +noedns +norecurse
ask www.example.test A +dnssec +cdflag +bufsize=4096
stop

# Two queries on one connection, then a whole zone.
capture tcp 'port 53'
ask +tcp +keepopen www.example.test A example.test MX
ask +tcp example.test AXFR
stop

capture update 'port 53'
nsupdate > /dev/null 2>&1 << EOF || true
server 192.0.2.53
zone example.test
prereq nxrrset new.example.test CNAME
update delete new.example.test A
update add new.example.test 1200 A 192.0.2.99
send
EOF
stop
unserve

serve 5300
capture other_port 'port 5300'
ask -p 5300 www.example.test A
ask -p 5300 +tcp www.example.test AAAA
stop
unserve

# Nobody listens: what is asked again, and never answered.
capture unanswered 'port 53'
dig +tries=3 +time=1 -b 192.0.2.1 @192.0.2.53 www.example.test A > /dev/null 2>&1 || true
stop

# mDNS, LLMNR and NetBIOS names: question and answer, as they go out on a LAN.
cat > groups.py << 'EOF'
import socket, struct

def name(s):
    return b''.join(bytes([len(p)]) + p.encode() for p in s.split('.')) + b'\0'

def netbios(s, kind):
    raw = s.ljust(15).encode() + bytes([kind])
    return b' ' + b''.join(bytes([65 + (b >> 4), 65 + (b & 15)]) for b in raw) + b'\0'

def head(ident, flags, *counts):
    return struct.pack('>6H', ident, flags, *counts)

def udp(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    s.bind((address, port))
    return s

def rr(owner, kind, klass, ttl, data):
    return owner + struct.pack('>HHIH', kind, klass, ttl, len(data)) + data

asker, server = '192.0.2.1', '192.0.2.53'
group = ('224.0.0.251', 5353)
q = head(0, 0, 2, 0, 0, 0) + name('_ipp._tcp.local') + struct.pack('>HH', 12, 0x8001) + name('printer.local') + struct.pack('>HH', 1, 1)
a = head(0, 0x8400, 0, 3, 0, 1)
a += rr(name('_ipp._tcp.local'), 12, 1, 4500, b'\x07printer' + b'\xc0\x0c')
a += rr(name('printer.local'), 1, 0x8001, 120, socket.inet_aton(server))
a += rr(name('printer.local'), 13, 0x8001, 120, b'\x05ARMV7\x05LINUX')
a += rr(name('printer._ipp._tcp.local'), 33, 0x8001, 120, struct.pack('>HHH', 0, 0, 631) + name('printer.local'))
with udp(asker, 5353) as one, udp(server, 5353) as two:
    one.sendto(q, group)
    two.sendto(a, group)

q = name('fileserver') + struct.pack('>HH', 1, 1)
with udp(asker, 50000) as one, udp(server, 5355) as two:
    one.sendto(head(7, 0, 1, 0, 0, 0) + q, ('224.0.0.252', 5355))
    two.sendto(head(7, 0x8000, 1, 1, 0, 0) + q + rr(b'\xc0\x0c', 1, 1, 30, socket.inet_aton(server)), (asker, 50000))

with udp(asker, 137) as one, udp(server, 137) as two:
    one.sendto(head(9, 0x0110, 1, 0, 0, 0) + netbios('FILESERVER', 0x20) + struct.pack('>HH', 32, 1), (server, 137))
    two.sendto(head(9, 0x8500, 0, 1, 0, 0) + rr(netbios('FILESERVER', 0x20), 32, 1, 300, b'\0\0' + socket.inet_aton(server)), (asker, 137))
    names = [('FILESERVER', 0, 0x0400), ('WORKGROUP', 0, 0x8400), ('FILESERVER', 0x20, 0x0400)]
    data = bytes([len(names)]) + b''.join(n.ljust(15).encode() + bytes([k]) + struct.pack('>H', f) for n, k, f in names)
    star = b' CK' + b'A' * 30 + b'\0'
    one.sendto(head(10, 0, 1, 0, 0, 0) + star + struct.pack('>HH', 33, 1), (server, 137))
    two.sendto(head(10, 0x8400, 0, 1, 0, 0) + rr(star, 33, 1, 0, data + bytes.fromhex('00112233aabb') + bytes(40)), (asker, 137))
EOF
capture groups 'udp'
python3 groups.py
stop
