#!/bin/sh
# Makes the captures of this folder anew: chrony, ntpdig and ntpq over the loopback of a network namespace of their own, and
# Python for the private mode, which no program here speaks any more. Needs root, chrony, ntpsec-ntpdig, ntpsec, tcpdump,
# iproute2, python3.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.123/32 dev lo
mount -t tmpfs none /run

capture() { # name, then a command
  name=$1
  shift
  tcpdump -i lo -U -s 0 -w "$out/$name.pcap" udp port 123 2> /dev/null &
  dump=$!
  sleep 1
  "$@" > /dev/null 2>&1 < /dev/null || true
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}

# A server that is its own clock, with one key; it is told not to touch the clock of this machine (-x).
printf '7 MD5 HEX:00112233445566778899aabbccddeeff\n' > keys
cat > chrony.conf << EOF
local stratum 3
allow all
bindaddress 192.0.2.123
cmdport 0
keyfile $work/keys
pidfile $work/chronyd.pid
bindcmdaddress /
EOF
chronyd -x -n -u root -f "$work/chrony.conf" > /dev/null 2>&1 &
server=$!
sleep 1
capture client ntpdig 192.0.2.123
# A client of the same make asks with the key, and says so; -Q prints and ends.
cat > client.conf << EOF
server 192.0.2.123 key 7 iburst
bindacqaddress 192.0.2.1
keyfile $work/keys
cmdport 0
port 0
bindcmdaddress /
pidfile $work/client.pid
EOF
capture authenticated timeout 12 chronyd -x -Q -u root -f "$work/client.conf" -t 8
# Control and private questions, which this server does not answer.
cat > ask.py << 'EOF'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40123))
for question in sys.argv[1:]:
    s.sendto(bytes.fromhex(question), ("192.0.2.123", 123))
EOF
capture questions python3 ask.py 160200010000000000000000 1700032a00000000
