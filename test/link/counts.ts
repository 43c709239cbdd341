// What the store counted, once it has all that was shipped: run by whole.sh, prints JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause, systemClock } from '../../src/lib/clock.ts';
import { connect, type StoreAccess } from '../../src/store/access.ts';

const out = process.argv[2] ?? '';
const [, epoch, seq] = /^(\d+) (\d+) /.exec(readFileSync(join(out, 'sensor/spool/cursor.ship'), 'latin1')) ?? [];
const access = JSON.parse(readFileSync(join(out, 'collector/store/access.json'), 'utf8')) as StoreAccess;
const client = connect(access, access.writer);
const one = async (query: string): Promise<number> => {
  const rows = await (await client.query({ query, format: 'JSONCompactEachRow' })).json<readonly unknown[]>();
  return Number(rows[0]?.[0]);
};
const wait = setInterval(() => undefined, 1000);
const loaded = `SELECT max(last) FROM catenary.loaded_frames WHERE sensor = 'link' AND epoch = ${epoch}`;
for (let i = 0; (await one(loaded)) < Number(seq); i++) {
  if (i > 150) throw new Error(`the store has not all: ${await one(loaded)} of ${seq}`);
  await pause(systemClock, 200);
}
const of = (what: string, kind: string): Promise<number> =>
  one(`SELECT ${what} FROM catenary.${kind} WHERE sensor = 'link'`);
console.log(
  JSON.stringify({
    packets: await of('sum(packets)', 'capture_stats'),
    dropped: await of('sum(kernel_dropped) + sum(if_dropped)', 'capture_stats'),
    flows: await of('sum(flows_created)', 'capture_stats'),
    lost: await of('sum(lost_packets)', 'coverage'),
    conn: await of('count()', 'conn'),
    http: await of('count()', 'http'),
    dns: await of('count()', 'dns'),
    tls: await of('count()', 'tls'),
  }),
);
clearInterval(wait);
await client.close();
