// A capture of an office's days, for a veth that plays the span port: traffic.ts FILE
import { writeFileSync } from 'node:fs';
import { buildWorld } from '../../test/founding/world.ts';

writeFileSync(process.argv[2] as string, buildWorld({ hosts: 6, days: 20, beacon: 'nobody' }).pcap);
