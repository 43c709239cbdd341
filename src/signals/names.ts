// Which name a host knew an address by: from the answers it got, and better from the names it said to that address
// itself.
//
// A flow that names nobody (no SNI, no Host header) is then still contact with c2.example and not with one of its
// addresses. Bounded: the pair learned longest ago goes first. A pair is renewed at most once an hour, so that a name
// in daily use costs one write an hour and not one a lookup. An answer's time to live is not asked: clients keep
// addresses longer than that.
import type { DnsEvent } from '../schema/gen/events.gen.ts';
import type { Observation, Section } from '../schema/observation.ts';
import { type Codec, Keyed, type KeyedCounts, type StoredEntry } from './keyed.ts';
import { DAY, HOUR } from './signal.ts';

export const NAMES_TABLE = 'names/known';
const PAIRS_MAX = 65_536;
/** What was learned this long ago says nothing about an address now. */
const VALID = 2 * DAY;
const RENEW = HOUR;
/** Addresses taken of one answer. */
const ANSWERS_MAX = 8;

/** RFC 1035 2.3.4: no name is longer. What is longer in a record is no name. */
const NAME_MAX = 253;

/** Names that mean something only here. */
const LOCAL_SUFFIXES = new Set([
  ...[
    'local',
    'lan',
    'home',
    'internal',
    'intranet',
    'corp',
    'private',
    'localdomain',
    'localhost',
    'arpa',
    'workgroup',
  ],
  ...['invalid', 'onion'],
]);

const codec: Codec<string> = { pack: (name) => name, unpack: (stored) => stored as string };

export class Names {
  private readonly known: Keyed<string>;

  constructor(section: Section, stored: Iterable<StoredEntry>, max = PAIRS_MAX) {
    this.known = new Keyed(NAMES_TABLE, { max, idle: VALID }, codec, section, stored);
  }

  /** The name `host` last knew `address` by, as of `now`. */
  of(host: string, address: string, now: number): string | undefined {
    return this.known.get(`${host}|${address}`, now)?.value;
  }

  learn(host: string, address: string, name: string, now: number): void {
    const key = `${host}|${address}`;
    const e = this.known.get(key, now);
    if (e === undefined) {
      this.known.add(key, name, now);
    } else if (e.value !== name || now - e.touched >= RENEW) {
      e.value = name;
      this.known.touch(e, now);
    }
  }

  /** Addresses in the answer to what the originator asked. */
  learnAnswer(obs: Observation<'dns'>, event: DnsEvent): void {
    if (event.query === null || event.answers.length === 0) return;
    const host = obs.hosts.orig_host;
    if (host === undefined) return;
    const name = publicName(event.query);
    if (name === undefined) return;
    let taken = 0;
    for (let i = 0; i < event.answers.length && taken < ANSWERS_MAX; i++) {
      const type = event.answer_types[i];
      if (type !== 1 && type !== 28) continue;
      this.learn(host.id, event.answers[i] as string, name, obs.seen);
      taken++;
    }
  }

  counts(): KeyedCounts {
    return this.known.counts();
  }

  sweep(now: number): void {
    this.known.sweep(now);
  }

  save(): void {
    this.known.save();
  }
}

/** Four numbers, or anything with a colon: an address, not a name. */
function isAddress(text: string): boolean {
  if (text.includes(':') || text.startsWith('[')) return true;
  const last = text.charCodeAt(text.length - 1);
  // RFC 3696 2: the last label of a name is never all digits.
  return last >= 0x30 && last <= 0x39 && /(?:^|\.)[0-9]+$/.test(text);
}

/** Lower case without the final dot, when it is a name of the outside world: two labels at least, no address. */
export function publicName(text: string | null): string | undefined {
  if (text === null || text.length > NAME_MAX + 1) return undefined;
  let name = text.endsWith('.') ? text.slice(0, -1) : text;
  const dot = name.lastIndexOf('.');
  if (dot <= 0 || name.length > NAME_MAX) return undefined;
  name = name.toLowerCase();
  // What travels as a host name is ASCII (RFC 5890 2.3.2.1); anything else is somebody's joke, and no key of ours.
  if (!/^[a-z0-9_.-]+$/.test(name)) return undefined;
  if (LOCAL_SUFFIXES.has(name.slice(dot + 1)) || isAddress(name)) return undefined;
  return name;
}
