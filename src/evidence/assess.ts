// Is all there of what should be? Said for every flow of an alert, with the reason: packets that a policy cut are not
// packets that were lost, and neither are packets that have been deleted since.
import { readManifest, segmentFolders, stemsOf } from './segments.ts';

export type Completeness = 'whole' | 'partial' | 'none';

export interface Assessment {
  readonly state: Completeness;
  readonly reasons: readonly string[];
}

/**
 * @param from, to  of the flow, as far as it is known [us]
 * @param gone      manifests of segments that are deleted and were not copied from
 */
export function assess(
  dir: string,
  flow: { readonly packets: number; readonly from: number; readonly to: number; readonly damage: string | undefined },
  cutoff: 'lifted' | 'applies',
): Assessment {
  const from = BigInt(Math.floor(flow.from)) * 1000n;
  const to = BigInt(Math.ceil(flow.to)) * 1000n + 999n;
  const reasons = new Set<string>(flow.damage === undefined ? [] : [flow.damage]);
  let watched = false;
  const sealed = segmentFolders(dir).flatMap((folder) => {
    const present = new Set(stemsOf(folder, '.pcapng'));
    return stemsOf(folder, '.manifest').map((stem) => ({ folder, stem, isPresent: present.has(stem) }));
  });
  for (const { folder, stem, isPresent } of sealed) {
    const m = readManifest(folder, stem);
    if (m === undefined) {
      reasons.add(`${stem}.manifest is damaged`);
      continue;
    }
    for (const g of m.gaps)
      if (g.from <= to && g.to >= from)
        reasons.add(g.reason === 'restart' ? 'nothing ran for a time' : `packets were ${g.reason}`);
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
