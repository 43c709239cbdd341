// Packets for a person at the console: of one flow, fetched from its sensor, told, and given out as a download.
import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../lib/clock.ts';
import { type Answer, refuse } from './api.ts';
import { Rates } from './limits.ts';
import type { PacketsAnswer } from './shape.ts';

/** Of one flow of one page [bytes]. */
const BYTES_MAX = 256 << 20;
/** A flow may have begun before what a page knows of it, and go on after: so much earlier and later [us]. */
const AROUND_US = 86_400_000_000;
const REQUESTS = { burst: 20, everyMs: 15_000, keysMax: 4096 };
const REASON_MAX = 200;

export interface PacketsWanted {
  readonly uid: string;
  readonly filter: string;
  readonly from: number;
  readonly to: number;
  readonly actor: string;
  readonly reason: string;
  readonly bytes: number;
}

export interface PacketDesk {
  fetch(sensor: string, wanted: PacketsWanted, address: string, signal: AbortSignal): Promise<PacketsAnswer>;
  pathOf(id: string): string | undefined;
}

const STATUS: ReadonlyMap<string, readonly [status: number, hint: string]> = new Map([
  ['denied', [403, 'ship.pull in the configuration of the sensor says who may']],
  ['busy', [503, 'try again in a minute']],
  ['rate', [429, 'try again in a minute']],
  ['stopped', [503, 'try again when the sensor is connected']],
  ['unreadable', [502, 'catenary doctor, on the sensor, says what is wrong']],
] as const);

export class Packets {
  private readonly desk: PacketDesk | undefined;
  private readonly rates: Rates;

  constructor(desk: PacketDesk | undefined, clock: Clock) {
    this.desk = desk;
    this.rates = new Rates(clock, REQUESTS);
  }

  /** @param res  when it closes nobody waits any more, and the sensor stops too */
  async fetch(body: Record<string, unknown> | undefined, visitor: string, res: ServerResponse): Promise<Answer> {
    if (this.desk === undefined) return refuse(404, 'this console has no sensors', 'a collector has');
    const { sensor, uid, at, reason = '' } = body ?? {};
    if (typeof sensor !== 'string' || !/^[a-z0-9][a-z0-9-]{0,31}$/.test(sensor))
      return refuse(400, 'sensor: is no name of one', 'it is the first word of a reference');
    if (typeof uid !== 'string' || !/^C[0-9A-Za-z]{11}$/.test(uid))
      return refuse(400, 'uid: is none of a flow', 'C and eleven letters and digits');
    if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0)
      return refuse(400, 'at: is no time', 'microseconds since 1970');
    if (typeof reason !== 'string' || reason.length > REASON_MAX)
      return refuse(400, 'reason: is no text that fits', `at most ${REASON_MAX} characters`);
    if (this.rates.take(visitor) > 0) return refuse(429, 'too many packets asked for', 'try again in a minute');
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const wanted = {
      ...{ uid, filter: '', from: Math.max(0, at - AROUND_US), to: at + AROUND_US, bytes: BYTES_MAX },
      ...{ actor: 'console', reason },
    };
    const answer = await this.desk.fetch(sensor, wanted, visitor, gone.signal);
    const [status, hint] = STATUS.get(answer.fault) ?? [];
    if (status !== undefined && hint !== undefined && answer.id === '') return refuse(status, answer.detail, hint);
    return { status: 200, body: answer };
  }

  async give(path: string, res: ServerResponse): Promise<void> {
    const id = /^\/api\/packets\/([0-9a-f]{32})$/.exec(path)?.[1];
    const file = id === undefined ? undefined : this.desk?.pathOf(id);
    res.setHeader('cache-control', 'no-store');
    if (file === undefined || id === undefined) {
      res.writeHead(404, { 'content-type': 'text/plain' }).end('They are not kept here any more: fetch them again.\n');
      return;
    }
    res.setHeader('content-disposition', `attachment; filename="packets-${id.slice(0, 8)}.pcapng"`);
    res.writeHead(200, { 'content-type': 'application/x-pcapng' });
    await pipeline(createReadStream(file), res);
  }
}
