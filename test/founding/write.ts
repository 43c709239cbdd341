// The founding story as a capture, to look at: node --import tsx test/founding/write.ts FILE.pcap
import { writeFileSync } from 'node:fs';
import { buildWorld } from './world.ts';

const file = process.argv[2];
if (file === undefined) {
  console.error('usage: write.ts FILE.pcap');
  process.exit(2);
}
writeFileSync(file, buildWorld().pcap);
