// Addresses are lent; hosts stay. Records are stored under the addresses that were on the wire; which of them a host's
// are is said by identities, and those may come later than the records. So it is asked when it is asked.
import { type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import type { Asker, Parameters } from './asker.ts';
import { quoted } from './tables.ts';

/** Intervals of one host; its newest. */
export const IDENTITIES_MAX = 1000;
/** Still lent: later than any time a record has. */
const OPEN = '9999999999999999';

export interface Identities {
  /** `identity_addrs`, `identity_from`, `identity_until`: of each interval. */
  readonly parameters: Parameters;
  /** That the address in this column was the host's when the record began; undefined when it never had one. */
  holds(column: string): string | undefined;
}

/** Whether records of a kind name the two ends of a flow. */
export const hasEnds = (kind: KindName): boolean => FIELDS[kind].some((f) => f.name === 'orig_h' && f.type === 'ip');

/** @param host  an entity's id */
export async function identitiesOf(asker: Asker, host: string): Promise<Result<Identities>> {
  // An interval is told once when it opens, at each renewal, and when it closes: then alone it has an end.
  const found = await asker.rows(
    `SELECT toString(addr), toUnixTimestamp64Micro(\`from\`) AS begin, max(toUnixTimestamp64Micro(until))
     FROM ${quoted(asker.database)}.identity WHERE host = {identity_host: String} AND addr IS NOT NULL
     GROUP BY addr, begin ORDER BY begin DESC LIMIT ${IDENTITIES_MAX}`,
    { identity_host: host },
  );
  if (!found.ok) return found;
  const rows = found.value;
  return success({
    parameters: {
      identity_addrs: rows.map(([addr]) => String(addr)),
      identity_from: rows.map(([, from]) => String(from)),
      identity_until: rows.map(([, , until]) => (until === null ? OPEN : String(until))),
    },
    holds(column) {
      if (rows.length === 0) return undefined;
      // The first half is what an index can answer.
      const at = 'toUnixTimestamp64Micro(ts)';
      return `(${column} IN {identity_addrs: Array(IPv6)} AND arrayExists(
        (a, f, u) -> ${column} = a AND ${at} >= toInt64(f) AND ${at} < toInt64(u),
        {identity_addrs: Array(IPv6)}, {identity_from: Array(String)}, {identity_until: Array(String)}))`;
    },
  });
}
