// What happened, as a person would tell it to another: who, what, when, how long after, and what to be careful about.
import { safeText } from '../lib/terminal.ts';
import type { Finding, Matched } from '../schema/finding.ts';
import { dateText, spanText } from './times.ts';

const TEXT_MAX = 160;

/** Shortened in the middle: the ends of names and paths are what tells them apart. */
function brief(value: unknown, max = TEXT_MAX): string {
  const text = safeText(String(value));
  if (text.length <= max) return text;
  const half = Math.floor((max - 3) / 2);
  return `${text.slice(0, half)}...${text.slice(text.length - half)}`;
}

const has = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** "laptop-7 (mac:02:00:00:00:00:07, 10.1.0.7)", or what is known of it. */
function host(m: Matched, field: string, address: string): string {
  const id = m.hosts[field];
  const ip = m.values[address];
  if (id === undefined || id === '') return has(ip) ? brief(ip) : 'a host';
  const name = m.hostNames[id];
  const known = has(ip) && id !== `ip:${ip}` && ip !== id ? [brief(id), brief(ip)] : [brief(id.replace(/^ip:/, ''))];
  if (name !== undefined) return `${brief(name)} (${known.join(', ')})`;
  return known.length === 1 ? (known[0] as string) : `${known[0]} (${known[1]})`;
}

function fileSentence(m: Matched): string {
  const v = m.values;
  const what = [
    has(v.filename) ? `"${brief(v.filename)}"` : 'a file without a name',
    has(v.mime_type) ? `of type ${brief(v.mime_type)}` : undefined,
    typeof v.seen_bytes === 'number' ? `${v.seen_bytes} bytes` : undefined,
    has(v.sha256) ? `sha256 ${brief(v.sha256)}` : 'without a hash, since bytes are missing',
  ].filter((part) => part !== undefined);
  const tx = host(m, 'tx_host', 'tx_host');
  const from = has(v.host) ? `${brief(v.host)} (${tx})` : tx;
  const over = has(v.source) ? ` over ${brief(v.source)}` : '';
  const url = has(v.url) ? `, asked for as ${brief(v.url, 256)}` : '';
  return `${host(m, 'rx_host', 'rx_host')} received ${what.join(', ')}, from ${from}${over}${url}`;
}

function signalSentence(m: Matched): string {
  const v = m.values;
  const who = has(v.src_host) ? brief(v.src_host) : brief(v.src_ip ?? 'a host');
  const address = has(v.src_ip) && v.src_host !== `ip:${v.src_ip}` ? ` (${brief(v.src_ip)})` : '';
  const target = v.dst_name ?? v.dst_host ?? v.dst_ip;
  const port = has(v.dst_port) ? `:${v.dst_port}` : '';
  const to = has(target) ? ` towards ${brief(target)}${port}` : '';
  const score = typeof v.score === 'number' ? `, score ${Number(v.score.toFixed(2))}` : '';
  const why = has(v.explanation) ? `: ${brief(v.explanation, 600).replace(/\.$/, '')}` : '';
  return `${who}${address} showed ${brief(v.name)}${to}${score}${why}`;
}

function sentence(m: Matched): string {
  const v = m.values;
  const orig = (): string => host(m, 'orig_host', 'orig_h');
  const resp = (): string => `${host(m, 'resp_host', 'resp_h')}${has(v.resp_p) ? `:${v.resp_p}` : ''}`;
  switch (m.kind) {
    case 'file':
      return fileSentence(m);
    case 'signal':
      return signalSentence(m);
    case 'sighting':
      return `${brief(v.host ?? v.orig_h ?? 'a host')} met the indicator ${brief(v.indicator)} in ${brief(v.where)}`;
    case 'dns':
      return `${orig()} asked ${resp()} for ${brief(v.query)}`;
    case 'tls':
      return `${orig()} spoke TLS with ${has(v.server_name) ? `${brief(v.server_name)} (${resp()})` : resp()}`;
    case 'http':
      return `${orig()} sent ${brief(v.method ?? 'a request')} ${brief(v.uri ?? '')} to ${brief(v.host ?? resp())}`;
    case 'conn':
    case 'conn_update':
      return `${orig()} was connected with ${resp()}`;
    case 'alert':
      return `with that the chain ${brief(v.chain)} was complete: ${brief(v.title)}`;
    case 'identity':
      return `the identity of ${brief(v.host)} ${brief(v.change)}`;
    default:
      return `a record of kind ${m.kind} matched`;
  }
}

const CAUTIONS: Readonly<Record<string, string>> = {
  young_memory:
    'Memory was younger than the chain asks for, so what looks new or rare may not be; the severity is one step lower.',
  collect_full: 'More values were counted than the chain keeps.',
  blind: 'The sensor did not see all of the time in which nothing was to happen.',
};

export function story(finding: Finding): string {
  const lines: string[] = [];
  let before: Matched | undefined;
  for (const m of finding.steps) {
    const told = sentence(m);
    if (before === undefined) lines.push(`On ${dateText(m.seen)}, ${told}.`);
    else if (m.seen - before.seen < 1e6) lines.push(`At once, ${told}.`);
    else lines.push(`${spanText(m.seen - before.seen)} later (${dateText(m.seen)}), ${told}.`);
    before = m;
  }
  for (const other of finding.others) {
    for (const [i, m] of other.entries())
      lines.push(
        `${i === 0 ? 'It may as well have begun' : 'Then,'} on ${dateText(m.seen)}${i === 0 ? ':' : ','} ${sentence(m)}.`,
      );
  }
  for (const flag of finding.flags) lines.push(CAUTIONS[flag] ?? `Reservation: ${safeText(flag)}.`);
  return lines.join(' ');
}
