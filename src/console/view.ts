// Records of the store as what a page shows: one line, fields with their form and where each value leads.
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS } from '../schema/observation.ts';
import { scoreText } from '../schema/score.ts';
import type { ActRecord, EntryRecord } from './desk.ts';
import type { AlertDetail, StoredEvent } from './queries.ts';
import type {
  ActView,
  AlertSummary,
  AlertView,
  EntryView,
  EventView,
  FieldForm,
  FieldView,
  Pivot,
  StepView,
} from './shape.ts';
import { termsOf } from './terms.ts';

/** Characters of a text, items of a list, in an event that stands in a list; the rest is one question away. */
export const TEXT_SHOWN = 512;
export const ITEMS_SHOWN = 64;
/** Characters of each part of a line. */
const PART_SHOWN = 120;

type Values = Readonly<Record<string, unknown>>;

const STORY_CAP = FIELDS.alert.find((f) => f.name === 'step_stories')?.cap ?? 0;
const HASHES = new Set(['sha256', 'sha1', 'md5']);
/** Written beside the record by the collector. */
const ADDED_PIVOTS: Readonly<Record<string, Pivot>> = {
  orig_host: 'host',
  resp_host: 'host',
  registered_domain: 'domain',
  community_id: 'search',
};

function pivotOf(kind: KindName, f: FieldMeta): Pivot | undefined {
  if (f.type === 'ip') return 'address';
  if (f.type === 'uid' || f.type === 'mac') return 'search';
  if (HASHES.has(f.name)) return 'file';
  const entity = ENTITY_FIELDS[kind]?.[f.name];
  if (entity !== undefined && entity.class !== 'user') return entity.class;
  return f.type === 'text' && f.index ? 'search' : undefined;
}

function formOf(f: FieldMeta): FieldForm {
  if (f.type === 'time') return 'time';
  if (f.type === 'duration') return 'duration';
  if (f.type === 'bool') return 'flag';
  if (['ip', 'uid', 'mac', 'text'].includes(f.type)) return 'text';
  return f.name.endsWith('_bytes') || f.name === 'bytes' ? 'bytes' : 'number';
}

type Shown = string | number | boolean;

function fieldView(name: string, form: FieldForm, pivot: Pivot | undefined, value: unknown, whole: boolean): FieldView {
  const all = (Array.isArray(value) ? value : [value]) as Shown[];
  const items = whole ? all : all.slice(0, ITEMS_SHOWN);
  let cut = all.length - items.length;
  const values = items.map((v) => {
    if (whole || typeof v !== 'string' || v.length <= TEXT_SHOWN) return v;
    cut += v.length - TEXT_SHOWN;
    // Both ends: they are what tells names and paths apart.
    return `${v.slice(0, TEXT_SHOWN / 2)}…${v.slice(v.length - TEXT_SHOWN / 2 + 1)}`;
  });
  return { name, form, pivot, values, cut: Math.max(0, cut) };
}

const SHOWN_AT_HEAD = new Set(['ts', 'seen']);
const isEmpty = (v: unknown): boolean => v === null || v === undefined || v === '' || (Array.isArray(v) && !v.length);

/** @param whole  nothing is left out: for one event alone */
export function eventView(stored: StoredEvent, whole = false): EventView {
  const { kind, ref } = stored;
  const event = stored.event as unknown as Values;
  const fields = FIELDS[kind]
    .filter((f) => !SHOWN_AT_HEAD.has(f.name) && !isEmpty(event[f.name]) && !(f.name === 'cut' && event.cut === false))
    .map((f) => fieldView(f.name, formOf(f), pivotOf(kind, f), event[f.name], whole));
  const added = Object.entries(stored.added)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => fieldView(name, 'text', ADDED_PIVOTS[name], value, whole));
  return {
    ...{ kind, ref, ts: Number(event.ts), seen: Number(event.seen), line: lineOf(kind, event) },
    fields: [...fields, ...added],
  };
}

function part(v: unknown): string {
  const text = isEmpty(v) ? '' : String(Array.isArray(v) ? v.slice(0, 4).join(', ') : v);
  if (text.length <= PART_SHOWN) return text;
  return `${text.slice(0, PART_SHOWN / 2)}…${text.slice(text.length - PART_SHOWN / 2 + 1)}`;
}

const at = (address: unknown, port: unknown): string => {
  const ip = String(address);
  if (isEmpty(port)) return ip;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
};

const joined = (...parts: readonly unknown[]): string[] => parts.map(part).filter((p) => p !== '');

function lineOf(kind: KindName, e: Values): string[] {
  const flow = `${at(e.orig_h, e.orig_p)} → ${at(e.resp_h, e.resp_p)}`;
  switch (kind) {
    case 'conn':
    case 'conn_update':
      return joined(flow, e.service, e.conn_state);
    case 'dns':
      return joined(flow, e.qtype_name, e.query, isEmpty(e.answers) ? e.rcode_name : '=', e.answers);
    case 'http':
      return joined(flow, e.method, `${part(e.host)}${part(e.uri)}`, e.status_code, e.user_agent);
    case 'tls':
      return joined(flow, e.server_name, e.version, e.ja4);
    case 'x509':
      return joined(flow, e.subject, e.issuer);
    case 'file':
      return joined(`${e.tx_host} → ${e.rx_host}`, e.filename ?? e.url, e.mime_type, `${e.seen_bytes} bytes`, e.sha256);
    case 'dhcp':
      return joined(e.mac, e.host_name, e.assigned_addr, e.msg_types);
    case 'arp':
      return joined(e.opcode === 1 ? 'who has' : 'answer to', e.target_ip, 'from', e.sender_ip, e.sender_mac);
    case 'neighbour':
      return joined(
        e.protocol,
        e.system_name ?? e.chassis_id,
        'at port',
        e.port_id,
        e.platform ?? e.system_description,
      );
    case 'igmp':
      return joined(flow, e.name, e.group, e.record_type);
    case 'ipsec':
      return joined(flow, e.header, 'SPI', e.spi);
    case 'wireguard':
      return joined(flow, e.message);
    case 'signal':
      return joined(e.name, e.phase, e.src_host ?? e.src_ip, '→', e.dst_name ?? e.dst_ip, e.explanation);
    case 'sighting':
      return joined(e.indicator, 'met by', e.host ?? e.orig_h, 'in', e.where);
    case 'identity':
      return joined(e.host, e.change, e.addr, e.name, e.user, 'by', e.source);
    case 'alert':
      return joined(e.severity, e.title, e.hosts, e.names);
    case 'weird':
      return joined(e.name, isEmpty(e.orig_h) ? '' : flow, e.addl);
    case 'capture_stats':
      return joined(e.interface, `${e.packets} packets,`, `${e.kernel_dropped ?? 0} dropped by the kernel`);
    case 'coverage':
      return joined(e.interface, e.protocol_class, `measured ${e.measured}`, e.reasons);
    case 'gap':
      return joined(e.lane, 'frames', `${e.first} to ${e.last}`, 'lost:', e.reason);
    default:
      return joined(...Object.values(e).slice(3, 9));
  }
}

/** What a reservation means to who reads the alert. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  [
    'young_memory',
    'Memory is younger than the chain asks for: what looks new or rare may not be. Severity is one step lower.',
  ],
  ['blind', 'The sensor did not see all of the time in which something had to be absent.'],
  ['evidence_partial', 'Some of the packets or files of its steps are not kept.'],
]);

export const flagMeaning = (flag: string): string => FLAGS.get(flag) ?? 'A reservation of the chain: see its page.';

/** `variable=class:value` as alerts have it; the value may hold anything. */
export function entityOf(text: string): { role: string; class: string; value: string } | undefined {
  const m = /^([^=]{1,64})=([a-z]{1,16}):(.*)$/s.exec(text);
  return m === null ? undefined : { role: m[1] as string, class: m[2] as string, value: m[3] as string };
}

/**
 * The steps of an alert: first those of its oldest start, then of every other start. A new start goes back in time, or
 * begins with the first step again.
 */
export function runsOf<T extends { readonly step: string; readonly at: number }>(steps: readonly T[]): T[][] {
  const runs: T[][] = [];
  for (const s of steps) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run === undefined || before === undefined || s.at < before.at || s.step === run[0]?.step) runs.push([s]);
    else run.push(s);
  }
  return runs;
}

function longestGap(times: readonly number[]): number {
  let longest = 0;
  for (let i = 1; i < times.length; i++) longest = Math.max(longest, (times[i] as number) - (times[i - 1] as number));
  return longest;
}

export function alertSummary(
  { event: a, state }: StoredEvent<'alert'> & { readonly state?: string },
  nameOf: (host: string) => string | undefined,
): AlertSummary {
  const steps = a.step_ids.map((step, i) => ({ step, at: a.step_times[i] ?? 0 }));
  const main = runsOf(steps)[0] ?? [];
  const host = mainHost(a.entities, a.hosts);
  return {
    ...{ id: a.id, revision: a.revision, status: a.status, chain: a.chain, title: a.title, severity: a.severity },
    ...{ confidence: a.confidence, score: a.score, first: a.first, last: a.last, detectedAt: a.detected_at },
    host: host === undefined ? undefined : { id: host, name: nameOf(host) },
    slept: longestGap(main.map((s) => s.at)),
    steps: main.length,
    flags: a.flags,
    state,
  };
}

/** Whom it happened to: by the names that chains give that role, or else the first host. */
export function mainHost(entities: readonly string[], hosts: readonly string[]): string | undefined {
  const bound = entities.map(entityOf).filter((e) => e?.class === 'host');
  return bound.find((e) => e?.role === 'victim' || e?.role === 'host')?.value ?? hosts[0];
}

/** What has become of an alert, and who has seen it. */
export interface Life {
  readonly state: string;
  readonly acts: readonly ActView[];
  readonly seenBy: AlertView['seenBy'];
}

const STATE_OF: Readonly<Record<string, string>> = { ack: 'acknowledged', close: 'closed', reopen: 'new' };

/**
 * @param acts  people's, in their order
 * @param marks  held back by what, twin of which
 * @param sensors  of each alert that tells this story
 */
export function lifeOf(
  id: string,
  acts: readonly ActRecord[],
  marks: readonly StoredEvent<'triage'>[],
  sensors: ReadonlyMap<string, readonly string[]>,
): Life {
  const own = marks.filter(({ event: e }) => e.alert === id || e.twin_of === id);
  const all: ActView[] = [
    ...acts.map(({ at, act, actor, address, text, verdict = '', n }) => ({
      ...{ at, act, actor, address, text, verdict, entry: act === 'allow' ? n : 0, other: '' },
    })),
    ...own.map(({ event: e }) => ({
      ...{ at: e.seen, act: e.act, actor: e.actor, address: '', text: e.text, verdict: '', entry: e.entry },
      other: e.twin_of === id ? e.alert : e.twin_of,
    })),
  ];
  const decided = acts.flatMap(({ act }) => STATE_OF[act] ?? []).at(-1);
  const mine = own.filter(({ event: e }) => e.alert === id).map(({ event: e }) => e.act);
  const marked = mine.includes('twin') ? 'twin' : mine.includes('held') ? 'suppressed' : 'new';
  const others = own.flatMap(({ event: e }) => (e.twin_of === id ? [e.alert] : []));
  const seenBy = [id, ...others].flatMap((of) => (sensors.get(of) ?? []).map((sensor) => ({ sensor, id: of })));
  return { state: decided ?? marked, acts: all.sort((x, y) => x.at - y.at), seenBy };
}

export function entryView(
  e: EntryRecord,
  held: { readonly count: number; readonly last: number } | undefined,
  now: number,
): EntryView {
  const { removed } = e;
  const nothing = { verdict: '', entry: e.n, other: '' };
  return {
    ...{ n: e.n, alert: e.alert, actor: e.actor, reason: e.reason, chain: e.chain, entity: e.entity, value: e.value },
    ...{ sensor: e.sensor, from: e.from, until: e.until, held: held?.count ?? 0, lastHeld: held?.last },
    state: removed !== undefined ? 'removed' : e.until <= now ? 'ended' : 'holds',
    removed:
      removed === undefined
        ? undefined
        : {
            ...nothing,
            at: removed.at,
            act: removed.act,
            actor: removed.actor,
            address: removed.address,
            text: removed.text,
          },
  };
}

export function alertView(
  detail: AlertDetail,
  now: number,
  nameOf: (host: string) => string | undefined,
  life: Life,
): AlertView {
  const a = detail.alert.event;
  const runs = runsOf(detail.steps).map((run) =>
    run.map((s, i): StepView => {
      const before = run[i - 1];
      return {
        ...{ step: s.step, at: s.at, uid: s.uid, ref: s.ref, why: termsOf(s.story, STORY_CAP) },
        gap: before === undefined ? undefined : s.at - before.at,
        event: s.event === undefined ? undefined : eventView(s.event),
      };
    }),
  );
  return {
    now,
    alert: alertSummary({ ...detail.alert, state: life.state }, nameOf),
    ...{ acts: life.acts, seenBy: life.seenBy, key: a.key },
    scored: scoreText(a.severity, a.confidence, a.flags.length),
    ref: detail.alert.ref,
    ...{ chainVersion: a.chain_version, ruleHash: a.rule_hash, attack: a.attack, scope: a.scope, story: a.story },
    ...{ statusReason: a.status_reason ?? undefined, cut: a.cut },
    flags: a.flags.map((flag) => ({ flag, meaning: flagMeaning(flag) })),
    entities: a.entities.flatMap((text) => entityOf(text) ?? []),
    ...{ users: a.users, names: a.names, addresses: a.addrs, hashes: a.hashes },
    evidence: a.evidence.map((text) => {
      const [lease = '', state = 'none'] = text.split('=');
      return { lease, state };
    }),
    steps: runs[0] ?? [],
    otherStarts: runs.slice(1),
    revisions: detail.revisions.map(({ event: e }) => ({ revision: e.revision, status: e.status, at: e.seen })),
  };
}
