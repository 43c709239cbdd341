#!/bin/bash
# Makes the captures of this folder anew: the examples of usrsctp, which has SCTP in userland, on both ends of a veth pair between
# two network namespaces of their own. Needs root, libusrsctp-examples, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../../protocols/captures.sh"
examples=/usr/lib/usrsctp
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip netns add there
ip link add here type veth peer name there netns there
ip addr add 198.51.100.1/24 dev here
ip link set here up
ip link set lo up
ip -n there addr add 198.51.100.2/24 dev there
ip -n there link set there up
ip -n there link set lo up
tcpdump -Z root -i here -U -s 0 -w "$out/daytime.pcap" 'ip proto 132' 2> /dev/null &
dump=$!
sleep 1
ip netns exec there $examples/daytime_server > /dev/null 2>&1 &
server=$!
sleep 1
timeout 5 $examples/client 198.51.100.2 13 > "$work/said" 2>&1 < <(sleep 2) || true # served, and shut down in order
timeout 3 $examples/client 198.51.100.2 14 > "$work/said" 2>&1 < /dev/null || true # nobody is there: ABORT
sleep 1
kill "$dump" && wait "$dump" 2> /dev/null || true
