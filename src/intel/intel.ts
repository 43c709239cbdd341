// Lists of indicators against events: every match is a sighting.
//
// An indicator holds in packet time: what had expired when the packet came does not match, what expires later does.
// Several lists that name the same thing make one sighting that names them all. A list that became unreadable, or
// nonsense, keeps its last good content, and says so.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { ConnEvent, EventOf, FlowEnvelope, KindName, SightingEvent } from '../schema/gen/events.gen.ts';
import type { Observation } from '../schema/observation.ts';
import { type Indicator, urlForm } from './indicator.ts';
import { type ListFault, parseList } from './parse.ts';
import { IndicatorTable } from './table.ts';

/** A list of which more lines than this are wrong is not a list. */
const WRONG_SHARE_MAX = 0.5;
/** Answers of one DNS record that are looked at, and alternative names of a certificate. */
const VALUES_MAX = 64;
const SOURCES_MAX = 16;

const WANTED: readonly KindName[] = ['conn', 'dns', 'http', 'tls', 'x509', 'file', 'smtp', 'ssh'];

interface List {
  readonly indicators: readonly Indicator[];
}

type Say = (found: readonly Indicator[], where: string, observed: string) => void;

export class Intel {
  private readonly lists = new Map<string, List>();
  private table = new IndicatorTable([]);

  /** Indicators in use, of all lists. */
  get size(): number {
    return this.table.size;
  }

  wants(): ReadonlySet<KindName> {
    return new Set(this.table.size === 0 ? [] : WANTED);
  }

  /**
   * Reads these files; a list that is no longer among them is forgotten. What cannot be used is in the answer, and
   * for it the last good content stays in use.
   */
  load(files: readonly string[]): ListFault[] {
    const faults: ListFault[] = [];
    const texts = files.map((file): [string, string | undefined] => {
      try {
        return [file, readFileSync(file, 'utf8')];
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === undefined) throw error;
        faults.push({ file, line: 0, message: `cannot be read: ${code}`, hint: this.staleHint(file) });
        return [file, undefined];
      }
    });
    faults.push(...this.replace(texts));
    return faults;
  }

  /** The same from texts: [name, content]; without content the list stays as it was. */
  replace(texts: readonly (readonly [file: string, text: string | undefined])[]): ListFault[] {
    const faults: ListFault[] = [];
    const named = new Set(texts.map(([file]) => file));
    for (const file of this.lists.keys()) if (!named.has(file)) this.lists.delete(file);
    for (const [file, text] of texts) {
      if (text === undefined) continue;
      const parsed = parseList(text, file, basename(file).replace(/\.[^.]*$/, ''));
      faults.push(...parsed.faults);
      const wrong = parsed.lines - parsed.indicators.length;
      if (parsed.lines > 0 && wrong > parsed.lines * WRONG_SHARE_MAX) {
        const message = `${wrong} of ${parsed.lines} lines are wrong: not taken`;
        faults.push({ file, line: 0, message, hint: this.staleHint(file) });
        continue;
      }
      this.lists.set(file, { indicators: parsed.indicators });
    }
    // In the order of names, so that the order of arguments changes no sighting.
    this.table = new IndicatorTable(this.indicators);
    return faults;
  }

  /** All that is in use, in the order of their lists' names. */
  get indicators(): Indicator[] {
    return [...this.lists.keys()].sort().flatMap((f) => this.lists.get(f)?.indicators ?? []);
  }

  /** Sightings in this event, in the order of its fields. */
  observe(obs: Observation): SightingEvent[] {
    if (this.table.size === 0) return NONE;
    const look = LOOKS[obs.kind] as ((t: IndicatorTable, obs: Observation, say: Say) => void) | undefined;
    if (look === undefined) return NONE;
    let out = NONE;
    look(this.table, obs, (found, where, observed) => {
      if (found.length === 0) return;
      const valid = found.filter((i) => (i.validFrom ?? 0) <= obs.seen && obs.seen < (i.validUntil ?? Infinity));
      // Lists that say the same are one sighting; a subnet and an address in it are two.
      for (const same of groups(valid)) {
        if (out === NONE) out = [];
        out.push(sighting(obs, same, where, observed));
      }
    });
    return out;
  }

  private staleHint(file: string): string {
    return this.lists.has(file) ? 'its last good content stays in use' : 'check the file';
  }
}

const NONE: SightingEvent[] = [];

function groups(found: readonly Indicator[]): Indicator[][] {
  if (found.length === 0) return [];
  if (found.length === 1) return [[found[0] as Indicator]];
  const by = new Map<string, Indicator[]>();
  for (const i of found) {
    const key = `${i.type} ${i.match}`;
    const group = by.get(key);
    if (group === undefined) by.set(key, [i]);
    else group.push(i);
  }
  return [...by.values()];
}

function sighting(obs: Observation, same: readonly Indicator[], where: string, observed: string): SightingEvent {
  // The surest list has the word; ties go to the first by name of source.
  const best = same.reduce((a, b) =>
    b.confidence > a.confidence || (b.confidence === a.confidence && b.source < a.source) ? b : a,
  );
  const event = obs.event as EventOf[KindName] & Partial<FlowEnvelope>;
  const fuid = obs.kind === 'file' ? (obs.event as EventOf['file']).fuid : null;
  return {
    ts: event.ts,
    seen: obs.seen,
    cut: false,
    // By content hash, not by ref: the same match is the same sighting wherever the record lay.
    id: createHash('sha256')
      .update(JSON.stringify([best.type, best.match, where, obs.hash]))
      .digest('hex')
      .slice(0, 16),
    indicator: best.text,
    indicator_type: best.type,
    where,
    observed: observed.slice(0, 2048),
    sources: [...new Set(same.map((i) => i.source))].sort().slice(0, SOURCES_MAX),
    confidence: best.confidence,
    tags: [...new Set(same.flatMap((i) => i.tags))].sort().slice(0, SOURCES_MAX),
    description: best.description ?? null,
    valid_from: best.validFrom ?? null,
    valid_until: best.validUntil ?? null,
    ref: obs.ref,
    uid: event.uid ?? null,
    orig_h: event.orig_h ?? null,
    orig_p: event.orig_p ?? null,
    resp_h: event.resp_h ?? null,
    resp_p: event.resp_p ?? null,
    fuid,
    host: localHost(obs),
    retro: false,
    known_at: obs.seen,
  };
}

/** Whose sighting it is: who received the file, who began the flow, who answered; the first that is ours. */
function localHost(obs: Observation): string | null {
  for (const name of ['rx_host', 'orig_host', 'resp_host', 'tx_host']) {
    const host = obs.hosts[name];
    if (host?.local) return host.id;
  }
  return null;
}

type Looks = { readonly [K in KindName]?: (t: IndicatorTable, obs: Observation<K>, say: Say) => void };

/** Which fields of which kinds are compared with what. Addresses are those of flows: the other kinds repeat them. */
const LOOKS: Looks = {
  conn(t, obs, say) {
    const e: ConnEvent = obs.event;
    say(t.address(e.orig_h), 'conn.orig_h', e.orig_h);
    say(t.address(e.resp_h), 'conn.resp_h', e.resp_h);
  },
  dns(t, obs, say) {
    const e = obs.event;
    if (e.query !== null) say(t.domain(e.query), 'dns.query', e.query);
    const n = Math.min(e.answers.length, VALUES_MAX);
    for (let i = 0; i < n; i++) {
      const answer = e.answers[i] as string;
      const type = e.answer_types[i];
      if (type === 1 || type === 28) say(t.address(answer), 'dns.answers', answer);
      else if (type === 5) say(t.domain(answer), 'dns.answers', answer);
    }
  },
  http(t, obs, say) {
    const e = obs.event;
    if (e.user_agent !== null && t.has('user_agent'))
      say(t.value('user_agent', e.user_agent), 'http.user_agent', e.user_agent);
    if (e.host === null) return;
    say(t.domain(e.host), 'http.host', e.host);
    if (!t.hasUrlOn(e.host)) return;
    const isWhole = /^https?:\/\//i.test(e.uri ?? '');
    const port = e.host_port === null ? '' : `:${e.host_port}`;
    const url = isWhole ? (e.uri ?? '') : `http://${e.host}${port}${e.uri ?? '/'}`;
    const form = urlForm(url);
    if (form !== undefined) say(t.value('url', form), 'http.uri', url);
  },
  tls(t, obs, say) {
    const e = obs.event;
    if (e.server_name !== null) say(t.domain(e.server_name), 'tls.server_name', e.server_name);
    if (e.ja4 !== null) say(t.value('ja4', e.ja4), 'tls.ja4', e.ja4);
    if (e.ja3 !== null) say(t.value('ja3', e.ja3), 'tls.ja3', e.ja3);
    const fingerprint = e.cert_chain_fps[0];
    if (fingerprint !== undefined) say(t.value('cert_hash', fingerprint), 'tls.cert_chain_fps', fingerprint);
  },
  x509(t, obs, say) {
    const e = obs.event;
    // SHA-256 is what the handshake's record was compared by.
    if (e.sha1 !== null) say(t.value('cert_hash', e.sha1), 'x509.sha1', e.sha1);
    if (!e.host_cert) return;
    for (const name of e.san_dns.slice(0, VALUES_MAX)) say(t.domain(name.replace(/^\*\./, '')), 'x509.san_dns', name);
  },
  file(t, obs, say) {
    const e = obs.event;
    for (const field of ['sha256', 'sha1', 'md5'] as const) {
      const hash = e[field];
      if (hash !== null) say(t.value('file_hash', hash), `file.${field}`, hash);
    }
    if (e.filename === null || !t.has('file_name')) return;
    // Backslashes are doubled in a text of a record.
    say(t.value('file_name', e.filename.toLowerCase().replace(/^.*[\\/]/, '')), 'file.filename', e.filename);
  },
  smtp(t, obs, say) {
    if (!t.has('email')) return;
    const e = obs.event;
    const look = (text: string | null, where: string): void => {
      const address = text === null ? undefined : addressIn(text);
      if (address !== undefined) say(t.value('email', address), where, address);
    };
    look(e.mailfrom, 'smtp.mailfrom');
    look(e.from, 'smtp.from');
    look(e.reply_to, 'smtp.reply_to');
    for (const to of e.rcptto.slice(0, VALUES_MAX)) look(to, 'smtp.rcptto');
  },
  ssh(t, obs, say) {
    const e = obs.event;
    if (e.hassh !== null) say(t.value('hassh', e.hassh), 'ssh.hassh', e.hassh);
    if (e.hassh_server !== null) say(t.value('hassh', e.hassh_server), 'ssh.hassh_server', e.hassh_server);
  },
};

/** The address in `Name <a@b>` or `a@b`, in lower case. Cost: linear. */
function addressIn(text: string): string | undefined {
  const open = text.lastIndexOf('<');
  const close = text.indexOf('>', open);
  const bare = open >= 0 && close > open ? text.slice(open + 1, close) : text;
  return bare.includes('@') ? bare.trim().toLowerCase() : undefined;
}
