// Is all there of what should be? Said for every flow of an alert, with the reason: packets that a policy cut are not
// packets that were lost, and neither are packets that have been deleted since.
import type { Chain } from './chain.ts';

export type Completeness = 'whole' | 'partial' | 'none';

export interface Assessment {
  readonly state: Completeness;
  readonly reasons: readonly string[];
}

/**
 * @param from, to  of the flow, as far as it is known, packet times [ns]
 */
export function assess(
  chains: readonly Chain[],
  flow: { readonly packets: number; readonly from: bigint; readonly to: bigint; readonly damage: string | undefined },
  cutoff: 'lifted' | 'applies',
): Assessment {
  const { from, to } = flow;
  const reasons = new Set<string>(flow.damage === undefined ? [] : [flow.damage]);
  let watched = false;
  for (const { stem, sealed: m, isPresent } of chains.flatMap((c) => c.seals)) {
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
    if (m.counters.cutoff > 0 && cutoff === 'applies') reasons.add('the cutoff policy applied');
    if (!isPresent && m.files.length > 0) reasons.add('older packets have been deleted');
  }
  if (flow.packets === 0) {
    if (!watched) reasons.add('no packets were kept at the time');
    else if (reasons.size === 0) reasons.add('none of the packets kept belongs to it');
    return { state: 'none', reasons: [...reasons] };
  }
  return { state: reasons.size === 0 ? 'whole' : 'partial', reasons: [...reasons] };
}
