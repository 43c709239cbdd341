// Where decisions about alerts go in tests of the console: the real log of acts, and into the store at once.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Desk } from '../../src/desk.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { success } from '../../src/lib/fault.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import type { TriageEvent } from '../../src/schema/gen/events.gen.ts';
import { KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import type { Loader } from '../../src/store/load.ts';
import type { Queries } from '../../src/store/query.ts';
import { Triage } from '../../src/triage/triage.ts';
import { COLLECTOR, TRIAGE } from '../../src/wire/agreed.ts';
import { SCHEMA } from '../store/world.ts';

/** @param loader  into the store; without one nothing gets there */
export function deskAt(dir: string, queries: Queries, loader?: Loader): Desk {
  const triage = Triage.open(join(dir, 'triage'), systemClock);
  assert.ok(triage.ok);
  let forwarded = 0;
  let seq = 0;
  const load = async (sensor: string, n: number, events: readonly TriageEvent[]) => {
    const head = { sensor, epoch: 1, seq: n, schema: SCHEMA, kind: KIND_IDS.triage, count: events.length };
    return (await loader?.load([{ ...head, bytes: encodeBatch('triage', events) }])) ?? success(undefined);
  };
  return new Desk({
    ...{ triage: triage.value, queries, now: () => systemClock.wall(), audit: () => undefined },
    tell: (fault) => assert.fail(fault.message),
    forwarded: () => forwarded,
    forward: (n, event) => {
      forwarded = n;
      return load(TRIAGE, n, [event]);
    },
    write: (events) => load(COLLECTOR, ++seq, events),
  });
}
