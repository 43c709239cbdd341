#!/bin/bash
# Makes the captures of this folder anew: ngtcp2's client asks its server over the loopback of a network namespace of their
# own. Needs root, ngtcp2-client, ngtcp2-server, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
ip route replace local 198.51.100.2 dev lo src 192.0.2.1 table local
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=www.example.test 2> /dev/null
mkdir site
echo 'a page' > site/index.html

serve() { # port, the rest: options
  /usr/sbin/gtlsserver -q -d site "${@:2}" 198.51.100.2 "$1" key.pem cert.pem > /dev/null 2>&1 &
  server=$!
  sleep 1
}
unserve() {
  kill "$server" && wait "$server" 2> /dev/null || true
  server=
}
capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" udp 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
get() { # port, the rest: options
  timeout 5 gtlsclient -q --no-preferred-addr --exit-on-all-streams-close "${@:2}" 198.51.100.2 "$1" \
    https://www.example.test/index.html > /dev/null 2>&1 || true
}

serve 443
capture page
get 443
stop
capture other_version
get 443 -v 0x1a2a3a4a
stop
unserve
serve 8443 -V
capture retry
get 8443
stop
unserve
