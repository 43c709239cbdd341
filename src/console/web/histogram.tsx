// How many events in each stretch of time; a column leads into its stretch.
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { countText, exactTime, ticksOf } from './format.ts';

const HEIGHT = 132;
const TOP = 18;
const BOTTOM = 24;
const TICK_WIDTH = 110;
const LEFT = 48;

interface HistogramProps {
  readonly columns: readonly { readonly at: number; readonly count: number }[];
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** Where a stretch of time leads. */
  readonly path: (from: number, to: number) => string;
}

export function Histogram({ columns, from, to, width, path }: HistogramProps): VNode {
  const box = useRef<HTMLDivElement>(null);
  const [pixels, setPixels] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setPixels(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const most = Math.max(1, ...columns.map((c) => c.count));
  const x = (at: number): number => LEFT + ((at - from) / (to - from)) * (pixels - LEFT - 8);
  const room = HEIGHT - TOP - BOTTOM;
  const wide = Math.max(2, (width / (to - from)) * (pixels - LEFT - 8) - 1);
  return (
    <div class="histogram" ref={box}>
      {pixels === 0 ? null : (
        <svg width={pixels} height={HEIGHT}>
          <title>Events over time</title>
          <text class="most" x={LEFT - 6} y={TOP + 4} text-anchor="end">
            {countText(most)}
          </text>
          <line class="top" x1={LEFT} x2={pixels - 8} y1={TOP} y2={TOP} />
          <line class="axis" x1={LEFT} x2={pixels - 8} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
          {columns.map((c) => {
            const tall = Math.max(2, (c.count / most) * room);
            const label = `${exactTime(c.at)}: ${countText(c.count)} ${c.count === 1 ? 'event' : 'events'}`;
            return (
              <a key={c.at} href={path(c.at, Math.min(to, c.at + width))} aria-label={label}>
                <rect class="reach" x={x(c.at)} y={TOP} width={wide} height={room} />
                <rect class="bar" x={x(c.at)} y={HEIGHT - BOTTOM - tall} width={wide} height={tall} />
                <title>{label}</title>
              </a>
            );
          })}
          {ticksOf(from, to, Math.max(2, Math.floor((pixels - LEFT) / TICK_WIDTH))).map((t) => (
            <text key={t.at} class="tick" x={x(t.at)} y={HEIGHT - 7} text-anchor="middle">
              {t.text}
            </text>
          ))}
        </svg>
      )}
    </div>
  );
}
