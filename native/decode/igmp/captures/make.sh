#!/bin/bash
# Makes the capture of this folder anew: the kernel's own IGMP, versions 3 to 1, as sockets join and leave groups on one end of
# a veth pair in a network namespace of its own. Needs root, python3, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../../protocols/captures.sh"
ip link set lo up
ip link add here type veth peer name there
ip addr add 192.0.2.1/24 dev here
ip link set here up
ip link set there up
tcpdump -Z root -i there -U -s 0 -w "$out/groups.pcap" igmp 2> /dev/null &
server=$!
sleep 1
for version in 3 2 1; do
  sysctl -qw net.ipv4.conf.here.force_igmp_version=$version
  python3 - << 'P'
import socket, struct, time
here = socket.inet_aton('192.0.2.1')
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for group in ('239.1.2.3', '239.255.255.250'):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + here)
IP_ADD_SOURCE_MEMBERSHIP = 39
s.setsockopt(socket.IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, socket.inet_aton('232.1.1.1') + here + socket.inet_aton('192.0.2.9'))
time.sleep(1.2)
s.close()
time.sleep(1.2)
P
done
