#!/usr/bin/env python3
"""Asks the Linux kernel what it reads of connections that are made to mislead a sensor, and prints evasions.inc; what was on
the wire meanwhile, as nanoseconds since the first and hex, is for the sensor's pipeline to read in a test.

    sudo unshare --net python3 native/flow/oracle/evasions.py native/flow/oracle/evasions_frames.inc > native/flow/oracle/evasions.inc

The stage is that of overlaps.py: a listening socket, and a peer that sends by hand. Each connection asks for a page over
HTTP/1.0; what read(2) gave is the row. A row: name, the peer's port, what was read, and the weird that names the trick. R
stands where the connection was reset.
"""
import platform
import socket
import struct
import subprocess
import sys
import time

from wire import checksum, run

HERE, THERE, PORT = '10.78.0.1', '10.78.0.2', 80
MAC_HERE, MAC_THERE = '02:00:00:00:00:11', '02:00:00:00:00:12'
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


class Peer:
    """The sending end of one connection. Offsets are from its first byte of data."""

    def __init__(self, wire, port, stamps=False):
        self.wire, self.port, self.base, self.ack, self.id = wire, port, 100000, 0, 0
        self.clock = 1000 if stamps else None

    def send(self, flags, offset=0, data=b'', ttl=64, stamp=None, urgent=0, bad=False, cut=None, seq=None):
        """cut: the IP datagram in fragments of so many bytes."""
        options = b''
        if self.clock is not None:
            value = self.clock if stamp is None else stamp
            options = struct.pack('!BBBBII', 1, 1, 8, 10, value & 0xffffffff, 0)
        at = (self.base + offset if seq is None else seq) & 0xffffffff
        head = struct.pack('!HHIIBBHHH', self.port, PORT, at, self.ack, (20 + len(options)) // 4 << 4, flags, 8192, 0, urgent)
        head += options
        ends = socket.inet_aton(THERE) + socket.inet_aton(HERE)
        total = checksum(ends + struct.pack('!BBH', 0, 6, len(head) + len(data)) + head + data)
        if bad:
            total ^= 0x5555
        tcp = head[:16] + struct.pack('!H', total) + head[18:] + data
        self.id += 1
        step = cut or len(tcp)
        for start in range(0, len(tcp), step):
            part = tcp[start:start + step]
            more = 0x2000 if start + step < len(tcp) else 0
            ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(part), self.id, more | start // 8, ttl, 6, 0) + ends
            ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
            macs = bytes.fromhex((MAC_HERE + MAC_THERE).replace(':', ''))
            self.wire.send(macs + b'\x08\x00' + ip + part)

    def open(self, data=b''):
        self.send(SYN, -1, data)
        while True:
            frame = self.wire.recv(2048)
            if frame[12:14] == b'\x08\x00' and frame[23] == 6 and frame[36:38] == struct.pack('!H', self.port):
                if frame[47] & 0x12 == 0x12:
                    break
        self.ack = struct.unpack('!I', frame[38:42])[0] + 1
        self.send(ACK)


A, B = b'GET /', b' HTTP/1.0\r\n\r\n'  # around four letters of path


def plain(p):
    p.send(PSH | ACK, 0, A + b'real' + B)


def parts(p, trick):
    """First line in two parts, the trick between them."""
    p.send(PSH | ACK, 0, A)
    trick(p)
    p.send(PSH | ACK, 5, b'real' + B)


CASES = [
    # name, weird, timestamps, data on the SYN, story
    ('plain', '', False, b'', plain),
    ('data_on_syn', 'tcp_syn_with_data', False, A + b'fake' + B, plain),
    ('data_on_syn_longer', 'tcp_syn_with_data', False, A + b'fake' + B + b'GET /more' + B, plain),
    ('bad_checksum', 'tcp_checksum_wrong', False, b'', lambda p: parts(p, lambda p: p.send(PSH | ACK, 5, b'fake' + B, bad=True))),
    ('old_timestamp', 'tcp_timestamp_old', True, b'', lambda p: parts(p, lambda p: p.send(PSH | ACK, 5, b'fake' + B, stamp=400))),
    ('far_older_timestamp', 'tcp_timestamp_old', True, b'',
     lambda p: parts(p, lambda p: p.send(PSH | ACK, 5, b'fake' + B, stamp=1000 - (1 << 31) + 2))),
    ('same_timestamp', '', True, b'', plain),
    ('rst_far_ahead', 'tcp_rst_out_of_place', False, b'', lambda p: parts(p, lambda p: p.send(RST, 1 << 30))),
    ('rst_in_window', 'tcp_rst_out_of_place', False, b'', lambda p: parts(p, lambda p: p.send(RST, 100))),
    ('rst_behind', 'tcp_rst_out_of_place', False, b'', lambda p: parts(p, lambda p: p.send(RST, 2))),
    ('rst_bad_checksum', '', False, b'', lambda p: parts(p, lambda p: p.send(RST, 5, bad=True))),
    ('rst_in_place', '', False, b'', lambda p: (p.send(PSH | ACK, 0, A), p.send(RST, 5))),
    ('syn_in_window', 'tcp_syn_in_connection', False, b'', lambda p: parts(p, lambda p: p.send(SYN, 50))),
    ('syn_far_away', 'tcp_syn_in_connection', False, b'', lambda p: parts(p, lambda p: p.send(SYN, seq=7))),
    ('syn_again', '', False, b'', lambda p: parts(p, lambda p: p.send(SYN, -1))),
    ('fin_far_ahead', '', False, b'', lambda p: parts(p, lambda p: p.send(FIN | ACK, 1 << 20))),
    ('fin_behind', '', False, b'', lambda p: parts(p, lambda p: p.send(FIN | ACK, 1))),
    ('fin_then_data', 'tcp_data_after_fin', False, b'',
     lambda p: (p.send(PSH | ACK, 0, A + b'real' + B), p.send(FIN | ACK, 22), p.send(PSH | ACK, 23, A + b'more' + B),
                p.send(PSH | ACK, 22, A + b'more' + B))),
    ('data_far_ahead', '', False, b'', lambda p: parts(p, lambda p: p.send(PSH | ACK, 1 << 20, b'fake'))),
    ('data_from_before', 'tcp_seq_before_start', False, b'', lambda p: parts(p, lambda p: p.send(PSH | ACK, -9, b'fakefake'))),
    ('data_again', '', False, b'', lambda p: parts(p, lambda p: p.send(PSH | ACK, 0, b'PUT /'))),
    ('null_flags', '', False, b'', lambda p: parts(p, lambda p: p.send(0, 5, b'fake' + B))),
    ('push_without_ack', '', False, b'', lambda p: parts(p, lambda p: p.send(PSH, 5, b'fake' + B))),
    ('urgent_in_middle', 'tcp_urgent_data', False, b'',
     lambda p: (p.send(PSH | ACK, 0, A), p.send(PSH | ACK | URG, 5, b'reXal' + B, urgent=3))),
    ('urgent_first', 'tcp_urgent_data', False, b'',
     lambda p: (p.send(PSH | ACK, 0, A), p.send(PSH | ACK | URG, 5, b'Xreal' + B, urgent=1))),
    ('urgent_ahead', 'tcp_urgent_data', False, b'',
     lambda p: (p.send(PSH | ACK | URG, 0, A, urgent=8), p.send(PSH | ACK, 5, b'reXal' + B))),
    ('urgent_pointer_zero', '', False, b'',
     lambda p: (p.send(PSH | ACK, 0, A), p.send(PSH | ACK | URG, 5, b'real' + B))),
    ('tiny_fragments', '', False, b'', lambda p: p.send(PSH | ACK, 0, A + b'real' + B, cut=8)),
    ('tiny_segments', '', False, b'', lambda p: [p.send(PSH | ACK, i, (A + b'real' + B)[i:i + 1]) for i in range(22)]),
    ('backwards', '', False, b'', lambda p: [p.send(PSH | ACK, i, (A + b'real' + B)[i:i + 1]) for i in range(21, -1, -1)]),
    ('low_ttl', 'tcp_ttl_differs', False, b'',
     lambda p: parts(p, lambda p: p.send(PSH | ACK, 400, b'fake', ttl=2))),
]


def main():
    print('// Made by evasions.py on Linux %s.' % platform.release().split('-')[0])
    run('ip link add layers-c address %s type veth peer name layers-d address %s' % (MAC_HERE, MAC_THERE))
    run('sysctl -qw net.ipv4.tcp_syncookies=0')
    for end in ('layers-c', 'layers-d'):
        run(f'sysctl -qw net.ipv6.conf.{end}.disable_ipv6=1')
        run(f'ip link set {end} up')
        for offload in ('tx', 'gso', 'tso', 'gro'):
            subprocess.run(['ethtool', '-K', end, offload, 'off'], check=False, capture_output=True)
    run(f'ip addr add {HERE}/24 dev layers-c')
    run(f'ip neigh add {THERE} lladdr {MAC_THERE} dev layers-c')
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind(('layers-d', 0))
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    tap.bind(('layers-d', 0))
    tap.setblocking(False)
    frames = []
    listener = socket.socket()
    listener.bind((HERE, PORT))
    listener.listen(16)
    time.sleep(1)

    def drain():
        while True:
            try:
                frames.append((time.time_ns(), tap.recv(4096)))
            except BlockingIOError:
                return

    for n, (name, weird, stamps, early, story) in enumerate(CASES):
        peer = Peer(wire, 30000 + n, stamps)
        peer.open(early)
        server, _ = listener.accept()
        server.settimeout(0.3)
        story(peer)
        got = b''
        try:
            while True:
                more = server.recv(4096)
                if not more:
                    break
                got += more
        except TimeoutError:
            pass
        except ConnectionResetError:
            got += b'R'
        text = got.decode().replace('\r\n', '\\r\\n')
        print('{"%s", %d, "%s", "%s"},' % (name, peer.port, text, weird), flush=True)
        peer.send(RST, len(got))
        server.close()
        time.sleep(0.02)
        drain()
    with open(sys.argv[1], 'w') as f:
        f.write('// Made by evasions.py.\n')
        for at, frame in frames:
            f.write('{%d, "%s"},\n' % (at - frames[0][0], frame.hex()))


main()
