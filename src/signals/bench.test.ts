// Events a second through dispatch(), as decoding makes them. Measured in CPU time of this process, so that a busy
// machine
// does not count; prints when CATENARY_BENCH says how many batches of 4000 to run, else only sees that the mix runs.
//
//   CATENARY_BENCH=250 npx mocha --no-config --import=tsx src/signals/bench.test.ts
import assert from 'node:assert/strict';
import { emptyEvent } from '../schema/any_event.test.ts';
import { decodeBatch } from '../schema/decode.ts';
import { encodeBatch } from '../schema/encode.ts';
import type { EventOf, KindName } from '../schema/gen/events.gen.ts';
import type { HostRef, Memory, Observation, Recollection, Space } from '../schema/observation.ts';
import { PlainSection, START } from './case_world.test.ts';
import { Signals } from './dispatch.ts';
import { DAY } from './signal.ts';

const BATCH = 4000;
const HOSTS = 500;
const NAMES = 20_000;
/** Of a host's contacts, those outside the forty names it always visits. */
const WANDERING = 0.1;

/** One lookup an answer, as the native table has. */
class QuickMemory implements Memory {
  private readonly keys = new Map<string, { first: number; last: number; count: number; hosts: Set<string> }>();
  touch(space: Space, key: string, at: number, host = ''): void {
    let e = this.keys.get(space + key);
    if (e === undefined) {
      e = { first: at, last: at, count: 0, hosts: new Set() };
      this.keys.set(space + key, e);
    }
    e.last = at;
    e.count++;
    if (e.hosts.size < 17) e.hosts.add(host);
  }
  look(space: Space, key: string): Recollection {
    const since = START - 400 * DAY;
    const e = this.keys.get(space + key);
    return e === undefined
      ? { first: undefined, last: undefined, count: 0, days: 0, since }
      : { first: e.first, last: e.last, count: e.count, days: 1, since };
  }
  prevalence(space: Space, key: string): number {
    return this.keys.get(space + key)?.hosts.size ?? 0;
  }
}

const EMPTY: { readonly [K in KindName]?: EventOf[KindName] } = Object.fromEntries(
  (['conn', 'dns', 'tls', 'http'] as const).map((k) => [k, emptyEvent(k)]),
);

let seed = 3;
function random(): number {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = seed;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

function make(index: number): { kind: KindName; own: Record<string, unknown> } {
  const host = Math.floor(random() * HOSTS);
  const name =
    random() < WANDERING ? Math.floor(NAMES * random() ** 4) : (host * 37 + Math.floor(40 * random()) ** 2) % NAMES;
  const seen = START + index * 500;
  const site = `www.site${name}.example`;
  const address = `203.${name & 127}.${name >> 8}.9`;
  const flow = {
    ...{ ts: seen, seen, uid: `C${String(index).padStart(11, '0')}`, orig_h: `10.0.${host >> 8}.${host & 255}` },
    ...{ orig_p: 40_000, resp_h: address, resp_p: 443, proto: 6 },
  };
  const r = random();
  if (r < 0.5) {
    const service = random() < 0.7 ? ['tls'] : [];
    return { kind: 'conn', own: { ...flow, service, orig_bytes: 500, conn_state: 'SF' } };
  }
  if (r < 0.75) {
    const answer = { query: site, rcode: 0, answers: [address], answer_types: [1], TTLs: [60] };
    return { kind: 'dns', own: { ...flow, resp_h: '10.0.0.53', resp_p: 53, proto: 17, ...answer } };
  }
  if (r < 0.93) return { kind: 'tls', own: { ...flow, server_name: site } };
  return { kind: 'http', own: { ...flow, resp_p: 80, host: site, uri: '/a/b', method: 'GET' } };
}

const refs = new Map<string, HostRef>();
function host(address: string): HostRef {
  let ref = refs.get(address);
  if (ref === undefined) {
    ref = { id: `ip:${address}`, local: address.startsWith('10.'), evidence: 'address' };
    refs.set(address, ref);
  }
  return ref;
}

/** Through the encoder and the decoder: events have the shapes, and strings the freshness, of the real path. */
function batch(from: number): Observation[] {
  const made = Array.from({ length: BATCH }, (_, i) => make(from + i));
  const decoded = new Map<KindName, Iterator<EventOf[KindName]>>();
  for (const kind of ['conn', 'dns', 'tls', 'http'] as const) {
    const events = made.filter((m) => m.kind === kind).map((m) => ({ ...EMPTY[kind], ...m.own }) as never);
    decoded.set(kind, decodeBatch(kind, encodeBatch(kind, events)).values());
  }
  return made.map(({ kind }, i) => {
    const event = decoded.get(kind)?.next().value as EventOf['conn'];
    const hosts = { orig_host: host(event.orig_h), resp_host: host(event.resp_h) };
    return { kind, event, seen: event.seen, ref: `s1/1/1/${from + i}`, hash: `${from + i}`, hosts };
  });
}

function remember(memory: Memory, obs: Observation): void {
  const e = obs.event as unknown as Record<string, string | null>;
  const name = obs.kind === 'dns' ? e.query : obs.kind === 'tls' ? e.server_name : obs.kind === 'http' ? e.host : null;
  if (name) memory.touch('domain', name, obs.seen, obs.hosts.orig_host?.id);
}

const cpu = (): number => {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
};

describe('signals at speed', function () {
  this.timeout(600_000);
  it('runs a mix of conn, dns, tls and http', () => {
    const batches = Number(process.env.CATENARY_BENCH ?? 3);
    const memory = new QuickMemory();
    const section = new PlainSection();
    const signals = new Signals(memory, section);
    let said = 0;
    let dispatching = 0;
    let saving = 0;
    for (let b = 0; b < batches; b++) {
      const all = batch(b * BATCH);
      for (const obs of all) remember(memory, obs);
      let from = cpu();
      for (const obs of all) said += signals.dispatch(obs).length;
      // The first batches are the compiler's.
      if (b >= batches / 5) dispatching += cpu() - from;
      if (b % 25 === 24) {
        from = cpu();
        signals.save();
        saving += cpu() - from;
      }
    }
    assert.ok(said > 0 && signals.counts().some((c) => c.keys > 0));
    if (process.env.CATENARY_BENCH === undefined) return;
    const events = (batches - Math.ceil(batches / 5)) * BATCH;
    console.log(`      ${Math.round(events / dispatching / 1000)} k events/s of CPU; ${said} signals`);
    console.log(`      saving every 100,000 events: ${((saving / batches / BATCH) * 1e6).toFixed(2)} us an event`);
    let bytes = 0;
    for (const [key, row] of section.rows) bytes += key.length + row.length;
    console.log(`      saved state: ${section.rows.size} rows, ${(bytes / 1e6).toFixed(1)} MB`);
    for (const c of signals.counts())
      if (c.keys > 0) console.log(`      ${c.table}: ${c.keys} keys, ${c.evicted} evicted`);
  });
});
