#!/usr/bin/env python3
"""Asks the Linux kernel what it reads of overlapping IP fragments, and prints oracle.inc.

    sudo unshare --net python3 native/decode/fragment/oracle.py > native/decode/fragment/oracle.inc

A UDP socket on one end of a veth pair; the other end has no address and sends fragments by hand. A row: the fragments in the
order sent, as offset=text, a + behind the offset where more follow, and what recv(2) gave; nothing where the kernel read
nothing. Offsets and lengths are those of UDP's payload, in eights; the first fragment has UDP's header before it.
"""
import platform
import random
import socket
import struct
import subprocess
import time

HERE, THERE, PORT = '10.79.0.1', '10.79.0.2', 7
MAC_HERE, MAC_THERE = '02:00:00:00:00:21', '02:00:00:00:00:22'
CASES, SEED = 300, 1998


def run(line):
    subprocess.run(line.split(), check=True)


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def send(wire, ident, offset, more, payload):
    ends = socket.inet_aton(THERE) + socket.inet_aton(HERE)
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(payload), ident, (0x2000 if more else 0) | offset // 8, 64, 17, 0) + ends
    ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
    wire.send(bytes.fromhex((MAC_HERE + MAC_THERE).replace(':', '')) + b'\x08\x00' + ip + payload)


def cases():
    """Up to five fragments of one to three eights over six eights; then whole ones, so that something may come of it."""
    chance = random.Random(SEED)
    for _ in range(CASES):
        rows = []
        for letter in 'ABCDE'[: chance.randint(2, 5)]:
            at, n = chance.randint(0, 5), chance.randint(1, 3)
            n = min(n, 6 - at)
            length = n * 8 - (chance.randint(1, 7) if chance.random() < 0.1 else 0)
            last = at + n == 6 and chance.random() < 0.8 or chance.random() < 0.05
            rows.append((at * 8, not last, letter * length))
        order = list(range(6))
        chance.shuffle(order)
        rows += [(at * 8, at < 5, 'z' * 8) for at in order]
        yield rows


def main():
    print('// Made by oracle.py on Linux %s.' % platform.release().split('-')[0])
    run('ip link add layers-e address %s type veth peer name layers-f address %s' % (MAC_HERE, MAC_THERE))
    for end in ('layers-e', 'layers-f'):
        run(f'ip link set {end} up')
    run(f'ip addr add {HERE}/24 dev layers-e')
    run(f'ip neigh add {THERE} lladdr {MAC_THERE} dev layers-e')
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind(('layers-f', 0))
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((HERE, PORT))
    server.settimeout(0.05)
    time.sleep(1)
    for n, rows in enumerate(cases()):
        for offset, more, text in rows:
            # UDP: the whole of six eights; no checksum.
            head = struct.pack('!HHHH', 9, PORT, 8 + 48, 0)
            send(wire, n + 1, offset + 8 if offset else 0, more, (b'' if offset else head) + text.encode())
        got = []
        try:
            while True:
                got.append(server.recv(4096).decode())
        except TimeoutError:
            pass
        told = ' '.join('%d%s=%s' % (offset, '+' if more else '', text) for offset, more, text in rows)
        print('{"%s", "%s"},' % (told, ' '.join(got)), flush=True)


main()
