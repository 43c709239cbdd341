"""What the programs beside this share: commands of the system, and the checksum of the Internet (RFC 1071)."""
import struct
import subprocess


def run(line):
    subprocess.run(line.split(), check=True)


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
