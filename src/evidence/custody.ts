// Who looked at evidence, took it out, held it or deleted it: one line each, signed, and chained by the hash of the
// line before. Every seal names the newest line, so that the collector's countersignature holds the log as well: lines
// that were taken away or put in between are found from the next seal on.
//
//   DIR/custody    a line: JSON, a blank, the signature over it
import { verify } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Result, success, systemFault } from '../lib/fault.ts';
import { locked } from '../lib/file_lock.ts';
import { appendLine, readLines } from './lines.ts';
import { type CustodyHead, NOTHING_BEFORE } from './manifest.ts';
import { type Signer, sha256 } from './signer.ts';

export const CUSTODY = 'custody';
/** Of a reason or the name of a case. */
export const TEXT_MAX = 500;

export interface Act {
  /** list and verify read no packets, and are no acts. */
  readonly act: 'view' | 'export' | 'hold' | 'release' | 'delete';
  /** Who: a user of this machine, or the sensor itself. */
  readonly actor: string;
  /** What of: an alert, a filter and a time, a segment. */
  readonly what: string;
  /** Why, or for which case; '' when nobody said. */
  readonly reason: string;
  /** SHA-256 of what was handed out; '' when nothing was. */
  readonly sha256: string;
}

/** The user who runs this: the one before sudo, where there was one. */
export function person(): string {
  const before = process.env.SUDO_USER;
  const name = userInfo().username;
  return `${before === undefined ? name : `${before} as ${name}`}@${hostname()}`;
}

const custodyPath = (dir: string): string => join(dir, CUSTODY);

export function custodyHead(dir: string): CustodyHead {
  const lines = readLines(custodyPath(dir));
  const last = lines.at(-1);
  return { lines: lines.length, head: last === undefined ? NOTHING_BEFORE : sha256(last) };
}

/** Durable when it returns: before what it says is done. @param at  wall time [us] */
export function record(dir: string, signer: Signer, act: Act, at: number): Result<undefined> {
  const path = custodyPath(dir);
  try {
    locked(path, () => {
      const { lines, head } = custodyHead(dir);
      const { reason, what } = act;
      const said = { ...act, reason: reason.slice(0, TEXT_MAX), what: what.slice(0, 4 * TEXT_MAX) };
      const line = JSON.stringify({ n: lines + 1, at_us: at, ...said, prev: head });
      appendLine(path, `${line} ${signer.sign(line).toString('base64')}`);
    });
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
}

/** Lines that nobody signed or that do not follow, and those that seals know and that are gone. */
export function custodyFaults(dir: string, publicKey: string, known: readonly CustodyHead[]): string[] {
  const faults: string[] = [];
  const heads = [NOTHING_BEFORE];
  for (const [i, whole] of readLines(custodyPath(dir)).entries()) {
    const at = whole.lastIndexOf(' ');
    const line = whole.slice(0, at);
    const name = `${CUSTODY}:${i + 1}`;
    if (!verify(null, Buffer.from(line), publicKey, Buffer.from(whole.slice(at + 1), 'base64')))
      faults.push(`${name}: is not signed by this key`);
    else if (!line.startsWith(`{"n":${i + 1},`) || !line.endsWith(`,"prev":"${heads.at(-1)}"}`))
      faults.push(`${name}: does not follow the line before it`);
    heads.push(sha256(whole));
  }
  const missing = known.find((k) => heads[k.lines] !== k.head);
  if (missing !== undefined) faults.push(`${CUSTODY}: a seal knows ${missing.lines} lines, and others are here`);
  return faults;
}

/** Its lines that tell of one alert, for its bundle. */
export const custodyOf = (dir: string, alert: string): string[] =>
  readLines(custodyPath(dir)).filter((line) => line.includes(`"what":"alert ${alert}`));
