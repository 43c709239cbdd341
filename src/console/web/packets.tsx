// The packets of a flow, fetched from its sensor: what came, what was not there any more, and the file.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { PacketsAnswer } from '../shape.ts';
import { bytesText, countText } from './format.ts';
import { type Got, post } from './http.ts';
import { Fault, shown } from './text.tsx';

const plural = (n: number, noun: string): string => `${countText(n)} ${noun}${n === 1 ? '' : 's'}`;

/** What of the time is not in the file, in words; '' when nothing is known to be missing. */
export function missing(p: PacketsAnswer): string {
  const parts = [
    ...(p.fault === 'cap' ? ['there is more of it than may be fetched at once'] : []),
    ...(p.deleted > 0 ? [`deleted since: ${plural(p.deleted, 'segment')} of that time`] : []),
    ...(p.cutoff > 0 ? [`cut off by policy: ${plural(p.cutoff, 'packet')} of that time`] : []),
    ...(p.notKept > 0 ? [`not kept: ${plural(p.notKept, 'packet')} of that time`] : []),
    ...(p.gaps > 0
      ? [`nothing was kept in ${p.gaps === 1 ? 'one stretch' : `${countText(p.gaps)} stretches`} of it`]
      : []),
  ];
  return parts.join('; ');
}

export function Packets({ at, reference, uid, reason }: PacketsProps): VNode | null {
  const [got, setGot] = useState<Got<PacketsAnswer> | undefined>();
  const [isBusy, setBusy] = useState(false);
  const sensor = reference.split('/')[0] ?? '';
  if (uid === '' || reference.split('/').length !== 4) return null;
  const fetchThem = async (): Promise<void> => {
    setBusy(true);
    setGot(await post<PacketsAnswer>('/api/packets', { sensor, uid, at, reason }));
    setBusy(false);
  };
  return (
    <div class="packets">
      <button type="button" disabled={isBusy} onClick={() => void fetchThem()}>
        {isBusy ? 'Fetching…' : 'Packets'}
      </button>
      {got === undefined ? null : !got.ok ? (
        <Fault fault={got.fault} />
      ) : (
        <p>
          {got.value.id === '' ? (
            'No packets of this flow are kept on its sensor.'
          ) : (
            <>
              <a href={`/api/packets/${encodeURIComponent(got.value.id)}`} download>
                {plural(got.value.packets, 'packet')}, {bytesText(got.value.bytes)}, pcapng
              </a>{' '}
              <small class="mono">sha256 {shown(got.value.sha256, 64)}</small>
            </>
          )}{' '}
          {missing(got.value)}
        </p>
      )}
    </div>
  );
}

interface PacketsProps {
  readonly at: number;
  /** SENSOR/EPOCH/SEQ/INDEX of the record. */
  readonly reference: string;
  readonly uid: string;
  /** Goes into the custody log of the sensor. */
  readonly reason: string;
}
