// What a run saw, a value a line, for people and for grep.
import type { Summary } from '../capture/index.ts';

export interface Cost {
  readonly seconds: number;
  readonly peakMemoryBytes: number;
}

/** Drops and evictions are only named when there are any: a line that is there means something. */
export function summaryText(s: Summary, cost: Cost): string {
  const kinds = Object.entries(s.events);
  const events = kinds.reduce((n, [, count]) => n + count, 0);
  const lines = [`packets ${s.packets}`, `bytes ${s.bytes}`];
  if (s.capturedBytes < s.bytes) lines.push(`captured bytes ${s.capturedBytes}`);
  lines.push(`flows ${s.flows}`);
  if ((s.flowsEvicted ?? 0) > 0) lines.push(`flows evicted ${s.flowsEvicted}`);
  if ((s.kernelReceived ?? 0) > 0)
    lines.push(`kernel received ${s.kernelReceived}`, `kernel dropped ${s.kernelDropped}`);
  if ((s.interfaceDropped ?? 0) > 0) lines.push(`interface dropped ${s.interfaceDropped}`);
  if ((s.down ?? 0) >= 0.001) lines.push(`interface down ${s.down?.toFixed(3)} s`);
  lines.push(`events ${events}`, ...kinds.map(([kind, count]) => `  ${kind} ${count}`));
  const rate = cost.seconds > 0 ? Math.round(s.packets / cost.seconds) : 0;
  const each = s.packets > 0 ? (cost.seconds * 1e6) / s.packets : 0;
  lines.push(`rate ${rate} packets/s (${each.toFixed(3)} us a packet)`);
  lines.push(`peak memory ${Math.ceil(cost.peakMemoryBytes / 1e6)} MB`);
  return `${lines.join('\n')}\n`;
}

/** Of logs: there are rows in place of packets. */
export function rowsText(s: Summary, cost: Cost): string {
  const kinds = Object.entries(s.events);
  const lines = [`rows ${s.packets}`, `bytes ${s.bytes}`, `files ${s.files.length}`];
  lines.push(`events ${s.packets}`, ...kinds.map(([kind, count]) => `  ${kind} ${count}`));
  lines.push(`rate ${cost.seconds > 0 ? Math.round(s.packets / cost.seconds) : 0} rows/s`);
  lines.push(`peak memory ${Math.ceil(cost.peakMemoryBytes / 1e6)} MB`);
  return `${lines.join('\n')}\n`;
}

export const NOTHING_READ: Summary = {
  packets: 0,
  bytes: 0,
  capturedBytes: 0,
  flows: 0,
  events: {},
  weirds: 0,
  files: [],
  firstTs: 0,
  lastTs: 0,
  position: 0,
};
