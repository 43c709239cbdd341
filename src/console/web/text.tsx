// How anything that came from traffic is shown. Control characters and those that reorder a line are visible escapes,
// directions are isolated, piles of accents are cut, and what is long keeps both ends. Nothing here makes markup.
import type { VNode } from 'preact';
import { safeText, shortText } from '../../lib/terminal.ts';
import type { Pivot } from '../shape.ts';
import { agoText, exactTime, timeText } from './format.ts';

const TITLE_MAX = 1000;
/** An accent or three belong to a letter; towers of them cover the lines above. */
const calm = (text: string): string => text.replace(/(\p{M}{3})\p{M}+/gu, '$1…');

export const shown = (text: string, max = 80): string => calm(shortText(text, max));

/**
 * Left to right as a whole, whatever it holds: a name that begins in Hebrew must not turn what is around it.
 * @param max  characters; what is longer has its middle left out, and is in the title
 */
export function Text({ v, max = 80, mono = false }: { v: string; max?: number; mono?: boolean }): VNode {
  const text = shown(v, max);
  const isCut = text !== safeText(v);
  return (
    <bdi dir="ltr" class={mono ? 't mono' : 't'} title={isCut ? shown(v, TITLE_MAX) : undefined}>
      {text === '' ? '""' : text}
    </bdi>
  );
}

/** Absolute first, relative beside it. */
export function Time({ us, now, wrap = false }: { us: number; now: number; wrap?: boolean }): VNode {
  return (
    <time class={wrap ? 'time stack' : 'time'} title={exactTime(us)}>
      <span>{timeText(us)}</span> <small>{agoText(us, now)}</small>
    </time>
  );
}

export function pivotPath(pivot: Pivot, value: string): string {
  if (pivot === 'search') return `/search?q=${encodeURIComponent(value)}`;
  return `/entity/${pivot}/${encodeURIComponent(value)}`;
}

export function Pivoted({ pivot, v, max = 80 }: { pivot: Pivot; v: string; max?: number }): VNode {
  return (
    <a href={pivotPath(pivot, v)} class="pivot mono">
      <Text v={v} max={max} />
    </a>
  );
}

export function Fault({ fault }: { fault: { error: string; hint: string } }): VNode {
  return (
    <div class="note bad" role="alert">
      <strong>{shown(fault.error, 200)}</strong>
      {fault.hint === '' ? null : <span> {shown(fault.hint, 200)}</span>}
    </div>
  );
}

export function Severity({ v }: { v: string }): VNode {
  const known = ['critical', 'high', 'medium', 'low', 'info'].includes(v) ? v : 'info';
  return <span class={`sev sev-${known}`}>{shown(v, 10)}</span>;
}
