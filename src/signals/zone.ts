// A name asked for, cut into the zone that somebody owns and what stands below it.
//
// Tunnels write what they like into labels, also bytes that no host name has; so a name that is none is cut too.
import { getDomain } from 'tldts';
import { publicName } from './names.ts';

export interface Cut {
  /** The registered domain. */
  readonly zone: string;
  /** What stands before it, without the last dot; empty when nothing does. */
  readonly below: string;
}

/** RFC 1035 2.3.4, as text: a byte that is no letter takes four characters (\xNN). */
const TEXT_MAX = 4 * 253;
const LOCAL = /\.(?:local|lan|home|internal|intranet|corp|arpa|localdomain)$/;

export function cutName(query: string | null): Cut | undefined {
  if (query === null || query.length > TEXT_MAX) return undefined;
  const name = publicName(query);
  let zone = name === undefined ? null : getDomain(name);
  if (zone === null) {
    if (LOCAL.test(query)) return undefined;
    // Its last two labels have to do, where they are a name.
    const at = query.lastIndexOf('.', query.lastIndexOf('.') - 1);
    if (at < 0) return undefined;
    zone = query.slice(at + 1);
    if (publicName(zone) === undefined) return undefined;
  }
  const text = name ?? query;
  return { zone, below: text.slice(0, Math.max(0, text.length - zone.length - 1)) };
}
