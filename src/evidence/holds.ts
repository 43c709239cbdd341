// Legal holds: packets and files of a time that must not go, whatever the budgets say, until somebody releases them. A
// hold is a file, so that one that is set while the sensor runs counts from its next look on.
//
//   DIR/holds/NAME    JSON
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolder, writeDurably } from '../lib/durable.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';

export const HOLDS = 'holds';
export const HOLDS_MAX = 1000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export interface Hold {
  readonly name: string;
  readonly actor: string;
  readonly reason: string;
  /** Packet times [us], both included. */
  readonly from: number;
  readonly to: number;
}

function parse(name: string, text: string): Hold | undefined {
  try {
    const { actor, reason, from, to } = JSON.parse(text) as Record<string, unknown>;
    if (typeof actor !== 'string' || typeof reason !== 'string') return undefined;
    return typeof from === 'number' && typeof to === 'number' ? { name, actor, reason, from, to } : undefined;
  } catch {
    return undefined;
  }
}

/** Errors: one that cannot be read. Whoever deletes must not go on then: it may be the one that counts. */
export function readHolds(dir: string): Result<Hold[]> {
  const at = join(dir, HOLDS);
  try {
    if (!existsSync(at)) return success([]);
    const holds: Hold[] = [];
    for (const name of readdirSync(at).filter((n) => NAME.test(n) && !n.endsWith('.part'))) {
      const hold = parse(name, readFileSync(join(at, name), 'utf8'));
      if (hold === undefined)
        return failure(
          'state_unusable',
          `${join(at, name)}: is no hold`,
          'nothing is deleted until it is one, or gone',
        );
      holds.push(hold);
    }
    return success(holds.sort((a, b) => (a.name < b.name ? -1 : 1)));
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', at, error) };
  }
}

export function setHold(dir: string, hold: Hold): Result<undefined> {
  const at = join(dir, HOLDS);
  if (!NAME.test(hold.name))
    return failure('usage', `'${hold.name}' is no name`, 'letters, digits and _ . -, 64 at most');
  const there = readHolds(dir);
  if (!there.ok) return there;
  if (there.value.some((h) => h.name === hold.name))
    return failure('usage', `'${hold.name}' is held already`, 'take another name');
  if (there.value.length >= HOLDS_MAX) return failure('usage', `there are ${HOLDS_MAX} holds`, 'release one');
  try {
    mkdirSync(at, { recursive: true, mode: 0o700 });
    const { name, ...rest } = hold;
    writeDurably(join(at, name), `${JSON.stringify(rest)}\n`);
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', at, error) };
  }
}

export function releaseHold(dir: string, name: string): Result<undefined> {
  const at = join(dir, HOLDS, name);
  if (!NAME.test(name) || !existsSync(at))
    return failure('usage', `'${name}' is no hold`, "see 'catenary evidence holds'");
  try {
    unlinkSync(at);
    syncFolder(join(dir, HOLDS));
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', at, error) };
  }
}

/** Whether packets of these times [us] are held. */
export const isHeld = (holds: readonly Hold[], from: number, to: number): boolean =>
  holds.some((h) => from <= h.to && to >= h.from);
