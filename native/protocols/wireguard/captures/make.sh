#!/bin/bash
# Makes the captures of this folder anew: two WireGuard tunnels in userland talk to each other over a veth pair between two
# network namespaces of their own, and ping goes through. Needs root, wireguard-go, wireguard-tools, tcpdump, iproute2, ping.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip netns add there
ip link add here type veth peer name there netns there
ip addr add 198.51.100.1/24 dev here
ip link set here up
ip -n there addr add 198.51.100.2/24 dev there
ip -n there link set there up
ip -n there link set lo up
umask 077
for end in a b; do
  wg genkey > $end.key
  wg pubkey < $end.key > $end.pub
done
export WG_PROCESS_FOREGROUND=1
wireguard-go -f wga > /dev/null 2>&1 &
server=$!
ip netns exec there wireguard-go -f wgb > /dev/null 2>&1 &
server="$server $!"
sleep 2
wg set wga private-key a.key listen-port 51820 peer "$(cat b.pub)" endpoint 198.51.100.2:51999 allowed-ips 10.9.0.2/32
ip netns exec there wg set wgb private-key b.key listen-port 51999 peer "$(cat a.pub)" allowed-ips 10.9.0.1/32
ip addr add 10.9.0.1/24 dev wga
ip link set wga up
ip -n there addr add 10.9.0.2/24 dev wgb
ip -n there link set wgb up
tcpdump -i here -U -s 0 -w "$out/ping.pcap" udp 2> /dev/null &
dump=$!
sleep 1
ping -c 3 -i 0.3 10.9.0.2 > /dev/null
sleep 1
kill "$dump" && wait "$dump" 2> /dev/null || true
