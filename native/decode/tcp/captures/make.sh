#!/bin/bash
# Makes the capture of this folder anew: a page over MPTCP, of the kernel on both ends, on the loopback of a network namespace of
# its own. Needs root, python3, tcpdump, iproute2, a kernel with MPTCP.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../../protocols/captures.sh"
ip link set lo up
sysctl -qw net.mptcp.enabled=1
tcpdump -Z root -i lo -U -s 0 -w "$out/mptcp.pcap" 'tcp port 8088' 2> /dev/null &
server=$!
sleep 1
python3 - << 'P'
import socket, threading
IPPROTO_MPTCP = 262
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
listener.bind(('127.0.0.1', 8088))
listener.listen(1)
def serve():
    peer, _ = listener.accept()
    peer.recv(100)
    peer.send(b'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    peer.close()
thread = threading.Thread(target=serve)
thread.start()
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
client.connect(('127.0.0.1', 8088))
client.send(b'GET /mptcp HTTP/1.0\r\n\r\n')
client.recv(100)
client.close()
thread.join()
P
sleep 1
