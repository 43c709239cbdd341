// Is all there of what should be? Said for every flow of an alert, with the reason: packets that a policy cut are not
// packets that were lost, and neither are packets that have been deleted since.
import type { Chain } from './chain.ts';
import type { Extracted } from './extract.ts';

export type Completeness = 'whole' | 'partial' | 'none';

export interface Assessment {
  readonly state: Completeness;
  readonly reasons: readonly string[];
}

/**
 * @param flow    from and to as far as they are known, packet times [ns]
 * @param copied  CHAIN/STEM of segments that a lease copied its packets from
 */
export function assess(
  chains: readonly Chain[],
  flow: Pick<Extracted, 'packets' | 'damage' | 'cut'> & { readonly from: bigint; readonly to: bigint },
  copied: readonly string[],
): Assessment {
  const { from, to } = flow;
  const reasons = new Set<string>(flow.damage === undefined ? [] : [flow.damage]);
  let watched = false;
  // From its first copy on, whatever went was copied from if there was something to copy.
  const copies = (chain: string): string[] => copied.filter((segment) => segment.startsWith(`${chain}/`)).sort();
  const seals = chains.flatMap((c) =>
    c.seals.map((s) => ({ ...s, name: `${c.name}/${s.stem}`, first: copies(c.name)[0] })),
  );
  for (const { stem, name, first, sealed: m, isPresent } of seals) {
    if (m === undefined) {
      reasons.add(`${stem}.manifest is damaged`);
      continue;
    }
    for (const g of m.gaps) {
      if (g.reason === 'clock' || g.from > to || g.to < from) continue;
      reasons.add(g.reason === 'restart' ? 'nothing ran for a time' : `packets were ${g.reason}`);
    }
    if (m.packets === 0 || m.first > to || m.last < from) continue;
    watched = true;
    if (m.counters.ring_drops > 0) reasons.add('the kernel dropped packets');
    if (flow.cut.has(name)) reasons.add('the cutoff policy applied');
    const isCopied = first !== undefined && name >= first;
    if (!isPresent && !isCopied && m.files.length > 0) reasons.add('older packets have been deleted');
  }
  if (flow.packets === 0) {
    if (!watched) reasons.add('no packets were kept at the time');
    else if (reasons.size === 0) reasons.add('none of the packets kept belongs to it');
    return { state: 'none', reasons: [...reasons] };
  }
  return { state: reasons.size === 0 ? 'whole' : 'partial', reasons: [...reasons] };
}
