// A chain across its days: where on the line of time each step is, and how long it was quiet in between.
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { StepView } from '../shape.ts';
import { exactTime, spanText, ticksOf } from './format.ts';
import { spread } from './spread.ts';
import { shown } from './text.tsx';

const HEIGHT = 118;
const LINE = 56;
const PAD = 60;
const RADIUS = 11;
/** So that two numbers never cover each other [px]. */
const APART = 2 * RADIUS + 4;
const TICK_WIDTH = 110;
/** A gap's words stand where there is room for them [px]. */
const WORDS = 96;
const OTHERS_SHOWN = 64;

export function Timeline({
  steps,
  others,
}: {
  steps: readonly StepView[];
  others: readonly (readonly StepView[])[];
}): VNode | null {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const others0 = others.flatMap((run) => run[0] ?? []).slice(0, OTHERS_SHOWN);
  const times = [...steps, ...others0].map((s) => s.at);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const x = (at: number): number => PAD + (to > from ? (at - from) / (to - from) : 0.5) * (width - 2 * PAD);
  const places = spread(
    steps.map((s) => x(s.at)),
    APART,
    width - PAD / 2,
  );
  const told = steps.map((s, i) => `${i + 1}: ${s.step}, ${exactTime(s.at)}`).join('; ');
  return (
    <div class="timeline" ref={box}>
      {width === 0 ? null : (
        <svg width={width} height={HEIGHT} role="img" aria-label={shown(`The chain in time. ${told}`, 600)}>
          <line class="axis" x1={PAD / 2} x2={width - PAD / 2} y1={LINE} y2={LINE} />
          {ticksOf(from, to, Math.max(2, Math.floor((width - PAD) / TICK_WIDTH))).map((t) => (
            <g key={t.at} class="tick">
              <line x1={x(t.at)} x2={x(t.at)} y1={LINE + 16} y2={LINE + 22} />
              <text x={x(t.at)} y={LINE + 38} text-anchor="middle">
                {t.text}
              </text>
            </g>
          ))}
          {others0.map((s) => (
            <circle key={s.ref} class="other" cx={x(s.at)} cy={LINE} r={5}>
              <title>{shown(`It may as well have begun at ${exactTime(s.at)}`)}</title>
            </circle>
          ))}
          {steps.map((s, i) => {
            const before = places[i - 1];
            const here = places[i] as number;
            if (before === undefined || s.gap === undefined || here - before < WORDS + APART) return null;
            return (
              <g key={`gap ${s.ref}`} class="gap">
                <path
                  d={`M${before + RADIUS + 3} ${LINE} Q${(before + here) / 2} ${LINE - 46} ${here - RADIUS - 3} ${LINE}`}
                />
                <text x={(before + here) / 2} y={LINE - 30} text-anchor="middle">
                  {spanText(s.gap)}
                </text>
              </g>
            );
          })}
          {steps.map((s, i) => (
            <a key={s.ref} href={`#step-${i + 1}`} class="dot" aria-label={shown(`Step ${i + 1}: ${s.step}`, 80)}>
              <circle cx={places[i]} cy={LINE} r={RADIUS} />
              <text x={places[i]} y={LINE + 4.5} text-anchor="middle">
                {i + 1}
              </text>
              <title>{shown(`${s.step}: ${exactTime(s.at)}`, 120)}</title>
            </a>
          ))}
        </svg>
      )}
    </div>
  );
}
