#!/usr/bin/env python3
"""Asks the Linux kernel what it reads of overlapping TCP segments, and prints overlaps.inc.

    sudo unshare --net python3 native/flow/oracle/overlaps.py > native/flow/oracle/overlaps.inc

A listening socket on one end of a veth pair; the other end has no address, so that no stack of its own answers, and sends
segments by hand (AF_PACKET). A row: the segments in the order sent, as offset=text, and what read(2) gave. The first byte is
left out until all of them wait out of order; then it and what else is missing come as single z, from the left.
"""
import platform
import random
import socket
import struct
import time

from wire import checksum, run

HERE, THERE, PORT = '10.77.0.1', '10.77.0.2', 7
MAC_HERE, MAC_THERE = '02:00:00:00:00:01', '02:00:00:00:00:02'
LENGTH, CASES, SEED = 24, 400, 793


class Peer:
    """The sending end of one connection."""

    def __init__(self, wire, port):
        self.wire, self.port, self.seq, self.ack = wire, port, 1000, 0

    def send(self, flags, offset=0, data=b''):
        seq = (self.seq + offset) & 0xffffffff
        head = struct.pack('!HHIIBBHHH', self.port, PORT, seq, self.ack, 5 << 4, flags, 8192, 0, 0)
        ends = socket.inet_aton(THERE) + socket.inet_aton(HERE)
        total = checksum(ends + struct.pack('!BBH', 0, 6, len(head) + len(data)) + head + data)
        tcp = head[:16] + struct.pack('!H', total) + head[18:] + data
        ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends
        ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
        macs = bytes.fromhex((MAC_HERE + MAC_THERE).replace(':', ''))
        self.wire.send(macs + b'\x08\x00' + ip + tcp)

    def open(self):
        self.send(2)
        while True:
            frame = self.wire.recv(2048)
            if frame[12:14] == b'\x08\x00' and frame[23] == 6 and frame[36:38] == struct.pack('!H', self.port):
                if frame[47] & 0x12 == 0x12:
                    break
        self.seq += 1
        self.ack = struct.unpack('!I', frame[38:42])[0] + 1
        self.send(16)


def cases():
    """Two to five segments over 24 bytes, each of its own letter; the first byte comes later."""
    chance = random.Random(SEED)
    for _ in range(CASES):
        rows = []
        for letter in 'ABCDE'[: chance.randint(2, 5)]:
            at = chance.randint(1, LENGTH - 2)
            rows.append((at, letter * chance.randint(1, min(12, LENGTH - at))))
        yield rows


def main():
    print('// Made by overlaps.py on Linux %s.' % platform.release().split('-')[0])
    run('ip link add layers-a address %s type veth peer name layers-b address %s' % (MAC_HERE, MAC_THERE))
    for end in ('layers-a', 'layers-b'):
        run(f'ip link set {end} up')
    run(f'ip addr add {HERE}/24 dev layers-a')
    run(f'ip neigh add {THERE} lladdr {MAC_THERE} dev layers-a')
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind(('layers-b', 0))
    listener = socket.socket()
    listener.bind((HERE, PORT))
    listener.listen(16)
    time.sleep(1)
    for n, rows in enumerate(cases()):
        peer = Peer(wire, 20000 + n)
        peer.open()
        server, _ = listener.accept()
        server.settimeout(5)
        held = {at + i for at, text in rows for i in range(len(text))}
        end = max(held) + 1
        for at, text in rows + [(at, 'z') for at in range(end) if at not in held]:
            peer.send(24, at, text.encode())
        got = b''
        while len(got) < end:
            got += server.recv(4096)
        print('{"%s", "%s"},' % (' '.join(f'{at}={text}' for at, text in rows), got.decode()), flush=True)
        peer.send(4)
        server.close()


main()
