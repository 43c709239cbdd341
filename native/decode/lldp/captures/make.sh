#!/bin/bash
# Makes the captures of LLDP and CDP anew: lldpd on one end of a veth pair between two network namespaces of their own, tcpdump
# on the other. Needs root, lldpd, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER OF native/decode]
. "$(dirname "$0")/../../../protocols/captures.sh"
out=$(realpath "${1:-$out/../..}")
mkdir -p /run/netns /run/lldpd
mount -t tmpfs none /run/netns
mount -t tmpfs none /run/lldpd
chown _lldpd /run/lldpd
ip netns add there
ip link add here type veth peer name there netns there
ip link set here address 02:00:00:00:00:01 up
ip -n there link set there up
ip addr add 192.0.2.7/24 dev here
say() { # folder, name, filter, lldpd's flags
  ip netns exec there tcpdump -Z root -i there -U -s 0 -w "$out/$1/captures/$2.pcap" "$3" 2> /dev/null &
  dump=$!
  sleep 1
  lldpd -d $4 -I here -S 'Debian test switch' -P 'virtual' -u /run/lldpd/socket > /dev/null 2>&1 &
  server=$!
  sleep 4
  kill "$server" && wait "$server" 2> /dev/null || true
  server=
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
say lldp lldpd 'ether proto 0x88cc' ''
say cdp lldpd 'ether dst 01:00:0c:cc:cc:cc' '-cc'
