// A capture of 3,000 packets of 50 flows: a dozen segments of 256 KiB, of which the first go again.
import { writeFileSync } from 'node:fs';
import { type End, Pcap, udp } from '../founding/packets.ts';

const A: End = { mac: '02:00:00:00:00:01', ip: '10.0.0.1', port: 1000 };
const B: End = { mac: '02:00:00:00:00:02', ip: '10.0.0.2', port: 9 };

export function writeCapture(file: string): void {
  const pcap = new Pcap();
  for (let i = 0; i < 3000; i++)
    pcap.add(1.8e15 + i * 1000, udp({ ...A, port: 1000 + (i % 50) }, B, Buffer.alloc(900, i % 251)));
  writeFileSync(file, pcap.bytes());
}
