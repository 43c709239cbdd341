// Records of one kind that satisfy a condition, in order of `seen`, a page at a time: what history is asked for.
import { failure, type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import type { Asker, Parameters } from './asker.ts';
import { columnsOf, eventOf, parseRef, type StoredEvent, timeOf } from './rows.ts';
import { quoted } from './tables.ts';

/** A condition in the store's SQL; whoever made it answers for its text. */
export interface Condition {
  readonly text: string;
  readonly parameters: Parameters;
}

/** Packet times [us], from inclusive, to exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const PAGE = 10_000;
/** Of one question: a chain whose every step is that common is no chain to hunt with. */
export const RECORDS_MAX = 1_000_000;
/** The last time that fits a packet time's column [us]. */
const LATEST = 4e15;

const whereOf = (condition: Condition): string =>
  `seen >= ${timeOf('from')} AND seen < ${timeOf('to')} AND (${condition.text})`;
const spanOf = ({ from, to }: Span): Parameters => ({
  from: Math.max(0, Math.floor(from)),
  to: Math.min(LATEST, Math.ceil(to)),
});

export async function countOf(asker: Asker, kind: KindName, condition: Condition, span: Span): Promise<Result<number>> {
  const found = await asker.rows(
    `SELECT count() FROM ${quoted(asker.database)}.${quoted(kind)} WHERE ${whereOf(condition)}`,
    { ...condition.parameters, ...spanOf(span) },
  );
  return found.ok ? success(Number(found.value[0]?.[0] ?? 0)) : found;
}

export async function recordsOf<K extends KindName>(
  asker: Asker,
  kind: K,
  condition: Condition,
  span: Span,
): Promise<Result<StoredEvent<K>[]>> {
  const events: StoredEvent<K>[] = [];
  let after: Parameters = { seen: 0, sensor: '', epoch: 0, seq: 0, index: 0 };
  for (;;) {
    const found = await asker.rows(
      `SELECT ${columnsOf(kind)} FROM ${quoted(asker.database)}.${quoted(kind)} WHERE ${whereOf(condition)}
       AND (seen, toString(sensor), frame_epoch, frame_seq, frame_index) >
         (${timeOf('seen')}, {sensor: String}, {epoch: UInt64}, {seq: UInt64}, {index: UInt32})
       ORDER BY seen, toString(sensor), frame_epoch, frame_seq, frame_index LIMIT ${PAGE}`,
      { ...condition.parameters, ...spanOf(span), ...after },
    );
    if (!found.ok) return found;
    for (const row of found.value) events.push(eventOf(kind, row));
    if (found.value.length < PAGE) return success(events);
    if (events.length >= RECORDS_MAX)
      return failure('store_unusable', `more than ${RECORDS_MAX} records of ${kind}`, 'ask for a shorter time');
    const last = events.at(-1) as StoredEvent<K>;
    const place = parseRef(last.ref);
    if (place === undefined) return failure('store_unusable', `${last.ref} is no reference`, '');
    after = { seen: (last.event as { seen: number }).seen, ...place } as unknown as Parameters;
  }
}

/** Packet time of the earliest record of these kinds [us]; undefined: there is none. */
export async function earliest(asker: Asker, kinds: readonly KindName[]): Promise<Result<number | undefined>> {
  const each = kinds.map(
    (kind) => `SELECT min(seen) AS s, count() AS n FROM ${quoted(asker.database)}.${quoted(kind)}`,
  );
  const found = await asker.rows(
    `SELECT toUnixTimestamp64Micro(min(s)), sum(n) FROM (${each.join(' UNION ALL ')}) WHERE n > 0`,
  );
  if (!found.ok) return found;
  const [at, n] = found.value[0] ?? [];
  return success(Number(n ?? 0) === 0 ? undefined : Number(at));
}
