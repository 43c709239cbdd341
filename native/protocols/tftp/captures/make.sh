#!/bin/bash
# Makes the captures of this folder anew: tftp-hpa's and curl's clients talk to atftpd over the loopback of a network
# namespace of their own. Needs root, atftpd, tftp-hpa, curl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 198.51.100.2/32 dev lo
mkdir -m 777 root
seq 1 400 > root/numbers.txt
chmod 755 "$work"
seq 1 300 > up.txt
touch root/up.txt && chmod 666 root/*
atftpd --daemon --no-fork --user nobody.nogroup --bind-address 198.51.100.2 --port 69 "$work/root" > /dev/null 2>&1 &
server=$!
sleep 1
capture() { # name, then a command
  local name=$1
  shift
  tcpdump -i lo -U -s 0 -w "$out/$name.pcap" udp 2> /dev/null &
  dump=$!
  sleep 1
  timeout 5 "$@" > /dev/null 2>&1 || true
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
capture read tftp -m octet 198.51.100.2 -c get numbers.txt
capture write tftp -m octet 198.51.100.2 -c put up.txt
capture missing tftp -m netascii 198.51.100.2 -c get none.txt
capture options curl -s -o /dev/null --tftp-blksize 1024 tftp://198.51.100.2/numbers.txt
