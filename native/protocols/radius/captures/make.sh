#!/bin/bash
# Makes the captures of this folder anew: radclient talks to FreeRADIUS over the loopback of a network namespace of its own.
# Needs root, freeradius, freeradius-utils, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 198.51.100.2/32 dev lo
cp -r /etc/freeradius/3.0/. .
cat > mods-config/files/authorize << 'EOF'
alice Cleartext-Password := "secret"
 Reply-Message := "Hello, %{User-Name}",
 Framed-IP-Address := 192.0.2.9
EOF
printf 'client lab {\n ipaddr = 198.51.100.2\n secret = testing123\n}\n' >> clients.conf
chown -R freerad:freerad "$work"
chmod 755 "$work"
freeradius -f -d "$work" > /dev/null 2>&1 &
server=$!
sleep 3
capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" 'udp portrange 1812-1813 or udp port 1819' 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
ask() { # port, kind, attributes
  printf '%s' "$3" | timeout 10 radclient -r 1 -t 2 "198.51.100.2:$1" "$2" testing123 > /dev/null 2>&1 || true
}
who='NAS-Identifier = "ap1", Calling-Station-Id = "02-00-5E-00-53-01", Called-Station-Id = "02-00-5E-00-53-02:office"'
capture access
ask 1812 auth "User-Name = \"alice\", User-Password = \"secret\", $who, Connect-Info = \"CONNECT 54Mbps 802.11g\""
ask 1812 auth "User-Name = \"alice\", User-Password = \"wrong\", $who"
ask 1812 auth "User-Name = \"alice\", CHAP-Password = \"secret\", $who"
ask 1819 auth "User-Name = \"alice\", User-Password = \"secret\", $who"
stop
capture accounting
ask 1813 acct "User-Name = \"alice\", Acct-Status-Type = Start, Acct-Session-Id = \"7\", NAS-IP-Address = 198.51.100.2, Framed-IP-Address = 192.0.2.9"
stop
