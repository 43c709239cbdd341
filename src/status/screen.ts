// A sensor's status as one screen: what a person looks at to see whether all is well. What is not says so in words.
import { clockText, countText } from '../lib/numbers.ts';
import { safeText, shortText } from '../lib/terminal.ts';
import type { Held, InterfaceStatus, Status } from './status.ts';

const SECOND = 1e6;
const DAY = 86_400 * SECOND;
const NAME_CELLS = 16;
const LINE_CELLS = 110;
/** A detection that is further behind than a commit and a minute's flows is worth a word [us]. */
const BEHIND = 120 * SECOND;

const bytesText = (n: number): string => (n < 1000 ? `${n} B` : `${countText(n)}B`);
const heldText = (h: Held): string => `${bytesText(h.bytes)} of ${bytesText(h.budget_bytes)}`;
const plural = (n: number, noun: string): string => `${countText(n)} ${noun}${n === 1 ? '' : 's'}`;
/** "2026-11-24 07:12" */
const minuteText = (us: number): string => new Date(us / 1000).toISOString().slice(0, 16).replace('T', ' ');

function upText(us: number): string {
  const days = Math.floor(us / DAY);
  const rest = clockText((us - days * DAY) / SECOND);
  return days > 0 ? `${days} d ${rest}` : rest;
}

/** Shares near 1 are what matters: 99.98 % is not 100 %. */
export function shareText(share: number): string {
  if (share >= 1) return '100 %';
  const percent = share * 100;
  return `${percent > 99.99 ? '99.99' : percent.toFixed(percent >= 99 ? 2 : 1)} %`;
}

const COLUMNS = ['INTERFACE', 'PACKETS/S', 'BITS/S', 'PACKETS', 'FLOWS', 'LOST', 'SEEN, LAST HOUR'] as const;

function interfaceRow(i: InterfaceStatus): string[] {
  const lost = i.kernel_dropped + i.interface_dropped;
  const share = lost === 0 ? '' : ` (${shareText(lost / (i.packets + lost))})`;
  return [
    shortText(i.name, NAME_CELLS),
    ...(i.ended ? ['ended', ''] : [countText(i.packets_per_s), countText(i.bits_per_s)]),
    ...[countText(i.packets), countText(i.flows), `${countText(lost)}${share}`],
    i.coverage === null ? '' : shareText(i.coverage),
  ];
}

/** Columns as wide as what is in them: the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, c) => Math.max(...rows.map((r) => r[c]?.length ?? 0)));
  return rows.map((r) =>
    r.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('   '),
  );
}

function detectionText({ detection: d, now }: Status): string {
  const behind = d.newest === null ? 0 : now - d.newest;
  const parts = [plural(d.events, 'event'), plural(d.chains, 'chain'), plural(d.partials, 'partial')];
  parts.push(plural(d.alerts, 'alert'));
  if (d.waiting > 0) parts.push(`${plural(d.waiting, 'batch')} to go`.replace('batchs', 'batches'));
  if (d.newest !== null)
    parts.push(`newest ${behind > BEHIND ? minuteText(d.newest) : `${clockText(behind / SECOND)} ago`}`);
  return parts.join(', ');
}

/** How far back packets go, and how far they could at the rate they have come. */
function packetsText({ packets: p }: Status): string {
  if (p.budget_bytes === 0) return 'none are kept';
  const parts = [heldText(p)];
  if (p.oldest !== null && p.latest !== null) {
    parts.push(`back to ${minuteText(p.oldest)}`);
    const span = p.latest - p.oldest;
    if (span > 0 && p.bytes > 0) parts.push(`room for ${daysText((span * p.budget_bytes) / p.bytes)} at this rate`);
  }
  return parts.join(', ');
}

function daysText(us: number): string {
  const days = us / DAY;
  if (days >= 10) return `${countText(Math.floor(days))} days`;
  if (days >= 1) return `${days.toFixed(1)} days`;
  return clockText(us / SECOND);
}

function collectorText({ collector: c, spool: s }: Status): string {
  if (c.state === 'none') return 'none: alerts stay on this box';
  const waiting = s.waiting > 0 ? `, ${countText(s.waiting)} batches wait for it` : '';
  return `${c.state}${c.reason === '' ? '' : ` (${c.reason})`}${waiting}`;
}

const contentText = ({ content }: Status): string =>
  content.map((c) => `${c.name}-${c.version}${c.trial ? ' (on trial)' : ''}`).join(', ');

/** Lines without a newline at the end; each is fit for a terminal. */
export function screenLines(s: Status): string[] {
  const shed = s.spool.shed_events > 0 ? `, ${plural(s.spool.shed_events, 'event')} given up` : '';
  const facts: [string, string][] = [
    ['detection', detectionText(s)],
    ['packets', packetsText(s)],
    ['files', s.files.budget_bytes === 0 ? 'none are kept' : heldText(s.files)],
    ['leases', `${countText(s.leases.count)}, copies ${heldText(s.leases)}`],
    ['spool', `${heldText(s.spool)}${shed}`],
    ['collector', collectorText(s)],
    ...(s.content.length === 0 ? [] : [['content', contentText(s)] satisfies [string, string]]),
    ['disk', s.disk === null ? 'unknown' : `${bytesText(s.disk.free_bytes)} free of ${bytesText(s.disk.total_bytes)}`],
    ['memory', bytesText(s.memory_bytes)],
  ];
  const lines = [
    `sensor ${s.sensor}, ${s.state}, up ${upText(s.now - s.started)}, ${minuteText(s.now)} UTC`,
    '',
    ...table([COLUMNS, ...s.interfaces.map(interfaceRow)]),
    '',
    ...facts.map(([name, text]) => `${name.padEnd(11)}${text}`),
    '',
    ...s.said.map(({ at, text }) => `${new Date(at / 1000).toISOString().slice(11, 19)}  ${text}`),
  ];
  return lines.map((line) => shortText(safeText(line).trimEnd(), LINE_CELLS));
}
