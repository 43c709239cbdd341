// The routes of the API: a request's parts in, JSON out. What a visitor sends is checked here and nowhere later.
//
//   GET  /api/alerts?state=&severity=&status=&chain=&host=&order=&page=   GET /api/alerts/ID
//   POST /api/alerts/ID        act: ack, note, close, reopen          GET, POST /api/allow   POST /api/allow/N
//   GET  /api/search?q=&from=&to=&kinds=&form=                       GET /api/event?ref=
//   GET  /api/entity/CLASS:VALUE                                     GET /api/sensors?days=
import type { Clock } from '../lib/clock.ts';
import type { Fault, Result } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { KIND_IDS } from '../schema/gen/structures.gen.ts';
import { OWN } from '../wire/agreed.ts';
import type { Desk, DeskRequest } from './desk.ts';
import { HostNames } from './names.ts';
import type { EntityClass, Form, Queries, SearchAnswer, SearchQuestion, SensorState, StoredEvent } from './queries.ts';
import type {
  AlertsAnswer,
  AlertView,
  AllowAnswer,
  EntityAnswer,
  ErrorAnswer,
  EventView,
  Pivot,
  SearchView,
  SensorsAnswer,
  SensorView,
} from './shape.ts';
import { alertSummary, alertView, entryView, eventView, type Life, lifeOf, mainHost } from './view.ts';

export interface Answer {
  readonly status: number;
  readonly body: object;
}

export const PAGE_ALERTS = 50;
export const PAGES_MAX = 1000;
export const SEARCH_EVENTS = 100;
export const QUERY_TEXT_MAX = 512;
const ENTITY_ALERTS = 50;
const ENTRIES_SHOWN = 1000;
const ENTITY_NAMES = 20;
const BUCKETS = 80;
const ROUGH_BUCKETS = 400;
const SENSOR_DAYS_MAX = 400;
/** Beyond any packet: 2096 [us]. */
const TIME_MAX = 4e15;
const SECOND = 1e6;
const DAY = 86_400 * SECOND;
/** Statistics come every ten seconds; ten minutes without any is no jitter. */
const SILENT = 600;
const KINDS = new Set<string>(Object.keys(KIND_IDS));
const FORMS: ReadonlySet<string> = new Set(['address', 'uid', 'mac', 'hash', 'community', 'host', 'name', 'contains']);
const CLASSES: ReadonlySet<string> = new Set(['address', 'host', 'domain', 'file']);
const SEVERITIES: ReadonlySet<string> = new Set(['info', 'low', 'medium', 'high', 'critical']);
const STATUSES: ReadonlySet<string> = new Set(['issued', 'extended', 'revised', 'retracted']);

const STATES: ReadonlySet<string> = new Set(['new', 'acknowledged', 'closed', 'suppressed', 'twin']);
const ID = /^\/api\/alerts\/([0-9a-f]{16})$/;
const ENTRY = /^\/api\/allow\/(\d{1,9})$/;

const ok = (body: object): Answer => ({ status: 200, body });
export const refuse = (status: number, error: string, hint: string): Answer => ({
  status,
  body: { error, hint } satisfies ErrorAnswer,
});
/** The store's trouble, as far as a visitor can do something: its address and its words stay here. */
const storeTrouble = (fault: Fault): Answer =>
  fault.hint === ''
    ? refuse(503, 'the store does not answer', 'try again in a minute; catenary doctor says what is wrong')
    : refuse(503, 'the store could not answer in time', fault.hint);

interface Which {
  readonly class: EntityClass;
  readonly value: string;
}

/** What was wrong with a request: thrown inside this file, answered by route(). */
class Bad extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

function choices(params: URLSearchParams, name: string, known: ReadonlySet<string>): string[] | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const all = text.split(',', known.size + 1);
  const odd = all.find((v) => !known.has(v));
  if (odd !== undefined || all.length > known.size)
    throw new Bad(`${name}: not known`, `one or more of ${[...known].join(', ')}`);
  return all;
}

function wholeNumber(params: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const n = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(n >= min && n <= max)) throw new Bad(`${name}: is no number that fits`, `give ${min} to ${max}`);
  return n;
}

function shortText(params: URLSearchParams, name: string): string | undefined {
  const text = params.get(name)?.trim();
  if (text === undefined || text === '') return undefined;
  if (Buffer.byteLength(text) > QUERY_TEXT_MAX) throw new Bad(`${name}: too long`, `at most ${QUERY_TEXT_MAX} bytes`);
  return text;
}

export class Api {
  private readonly queries: Queries;
  private readonly desk: Desk;
  private readonly clock: Clock;
  private readonly names: HostNames;

  constructor(queries: Queries, desk: Desk, clock: Clock) {
    this.queries = queries;
    this.desk = desk;
    this.clock = clock;
    this.names = new HostNames(queries, clock);
  }

  /** @param path  after the origin, decoded by nobody yet */
  async route(path: string, params: URLSearchParams): Promise<Answer> {
    try {
      if (path === '/api/alerts') return await this.alerts(params);
      if (path === '/api/search') return await this.search(params);
      if (path === '/api/sensors') return await this.sensors(params);
      if (path === '/api/allow') return await this.allowed();
      if (path === '/api/event') return await this.event(params);
      const m = /^\/api\/(alerts|entity)\/([^/]{1,2048})$/.exec(path);
      if (m?.[1] === 'alerts') return await this.alert(decoded(m[2] as string));
      if (m?.[1] === 'entity') return await this.entity(decoded(m[2] as string));
      return refuse(404, 'there is no such address', 'the console begins at /');
    } catch (error) {
      if (error instanceof Bad) return refuse(400, error.message, error.hint);
      throw error;
    }
  }

  private async alerts(params: URLSearchParams): Promise<Answer> {
    const page = wholeNumber(params, 'page', 1, PAGES_MAX) ?? 1;
    const severity = choices(params, 'severity', SEVERITIES);
    const status = choices(params, 'status', STATUSES);
    const state = choices(params, 'state', STATES);
    const [order] = choices(params, 'order', new Set(['score', 'newest'])) ?? ['score'];
    const [chain, host] = [shortText(params, 'chain'), shortText(params, 'host')];
    const question = {
      recent: this.desk.recent,
      ...(severity === undefined ? {} : { severity }),
      ...(status === undefined ? {} : { status }),
      ...(chain === undefined ? {} : { chain }),
      ...(host === undefined ? {} : { host }),
    };
    const counts = await this.queries.alertCounts(question);
    if (!counts.ok) return storeTrouble(counts.fault);
    const found = await this.queries.alerts({
      ...question,
      ...(state === undefined ? {} : { state }),
      order: order as 'score' | 'newest',
      // One more than the page has says whether there is another.
      limit: PAGE_ALERTS + 1,
      offset: (page - 1) * PAGE_ALERTS,
    });
    if (!found.ok) return storeTrouble(found.fault);
    const shown = found.value.slice(0, PAGE_ALERTS);
    return ok({
      now: this.clock.wall(),
      counts: counts.value,
      alerts: await this.summaries(shown),
      page,
      more: found.value.length > PAGE_ALERTS,
    } satisfies AlertsAnswer);
  }

  private async summaries(alerts: readonly StoredEvent<'alert'>[]): Promise<AlertsAnswer['alerts']> {
    const nameOf = await this.names.of(alerts.flatMap(({ event: a }) => mainHost(a.entities, a.hosts) ?? []));
    return alerts.map((a) => alertSummary(a, nameOf));
  }

  private async alert(id: string): Promise<Answer> {
    const found = await this.queries.alert(id);
    if (!found.ok) return storeTrouble(found.fault);
    if (found.value === undefined) return refuse(404, 'no alert has this id', 'it may have left the store: see /');
    const { event } = found.value.alert;
    const nameOf = await this.names.of([mainHost(event.entities, event.hosts) ?? '']);
    const life = await this.life(id);
    if (!life.ok) return storeTrouble(life.fault);
    return ok(alertView(found.value, this.clock.wall(), nameOf, life.value) satisfies AlertView);
  }

  private async life(id: string): Promise<Result<Life>> {
    const marks = await this.queries.marksOf([id]);
    if (!marks.ok) return marks;
    const told = [id, ...marks.value.flatMap(({ event: e }) => [e.alert, e.twin_of])].filter((other) => other !== '');
    const sensors = await this.queries.sensorsOf([...new Set(told)]);
    if (!sensors.ok) return sensors;
    return { ok: true, value: lifeOf(id, this.desk.triage.of(id), marks.value, sensors.value) };
  }

  private async allowed(): Promise<Answer> {
    const held = await this.queries.heldBack();
    if (!held.ok) return storeTrouble(held.fault);
    const now = this.clock.wall();
    const entries = this.desk.triage.everyEntry().slice(0, ENTRIES_SHOWN);
    return ok({ now, entries: entries.map((e) => entryView(e, held.value.get(e.n), now)) } satisfies AllowAnswer);
  }

  /** Whether a POST to it is a decision about alerts. */
  static decides(path: string): boolean {
    return path === '/api/allow' || ID.test(path) || ENTRY.test(path);
  }

  /** @param body  what a visitor sent: any object */
  async decide(path: string, body: Readonly<Record<string, unknown>>, who: Who): Promise<Answer> {
    try {
      const done = await this.desk.act(requestOf(path, body), who, body.also_open === true);
      if (done.ok) return ok({ n: done.value.n });
      const { code, message, hint } = done.fault;
      if (code === 'usage') return refuse(400, message, hint);
      return refuse(503, 'the collector could not write it down', 'see what it says where it runs');
    } catch (error) {
      if (error instanceof Bad) return refuse(400, error.message, error.hint);
      throw error;
    }
  }

  private async event(params: URLSearchParams): Promise<Answer> {
    const ref = shortText(params, 'ref') ?? '';
    const found = await this.queries.events([{ ref }]);
    if (!found.ok) return storeTrouble(found.fault);
    const event = found.value.get(ref);
    if (event === undefined) return refuse(404, 'no event has this reference', 'it may have left the store');
    return ok(eventView(event, true) satisfies EventView);
  }

  private async search(params: URLSearchParams): Promise<Answer> {
    const text = shortText(params, 'q');
    if (text === undefined)
      throw new Bad('q: nothing to look for', 'give an address, a name, a hash or part of a text');
    const from = wholeNumber(params, 'from', 0, TIME_MAX);
    const to = wholeNumber(params, 'to', 0, TIME_MAX);
    const kinds = choices(params, 'kinds', KINDS) as KindName[] | undefined;
    const [form] = choices(params, 'form', FORMS) ?? [];
    const range = { from: from ?? 0, to: to ?? TIME_MAX };
    if (range.to <= range.from) throw new Bad('to: is not after from', 'give times in microseconds since 1970');
    const question = {
      ...{ text, limit: SEARCH_EVENTS, buckets: BUCKETS },
      ...(kinds === undefined ? {} : { kinds }),
      ...(form === undefined ? {} : { form: form as Form }),
    };
    const fitted = from === undefined || to === undefined;
    const asked = await this.inItsTime(question, range, fitted);
    if (!asked.ok) return storeTrouble(asked.fault);
    const { answer, range: shown } = asked.value;
    const columns = new Map<number, number>();
    for (const { at, count } of answer.histogram) columns.set(at, (columns.get(at) ?? 0) + count);
    const counts = Object.entries(answer.counts).map(([kind, count]) => ({ kind, count }));
    counts.sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1));
    return ok({
      ...{ now: this.clock.wall(), text, form: answer.form, ...shown, fitted, width: answer.width, counts },
      total: counts.reduce((n, c) => n + c.count, 0),
      histogram: [...columns].map(([at, count]) => ({ at, count })).sort((a, b) => a.at - b.at),
      events: answer.events.map((e) => eventView(e)),
    } satisfies SearchView);
  }

  /** Without a time asked for, the time that holds what was found: narrowed by the columns of the one before. */
  private async inItsTime(
    question: Omit<SearchQuestion, 'from' | 'to'>,
    range: { readonly from: number; readonly to: number },
    fit: boolean,
  ): Promise<Result<{ readonly answer: SearchAnswer; readonly range: typeof range }>> {
    let span = range;
    let asked = question;
    // 126 years in 400 columns are four months each, and those are of hours.
    for (let round = 0; fit && round < 2; round++) {
      const rough = await this.queries.search({ ...asked, ...span, limit: 1, buckets: ROUGH_BUCKETS });
      if (!rough.ok) return rough;
      const { histogram, width, form } = rough.value;
      // What a text is taken for is decided once.
      asked = { ...asked, form };
      if (histogram.length === 0) return { ok: true, value: { answer: rough.value, range: span } };
      const starts = histogram.map((h) => h.at);
      const narrow = {
        from: Math.max(span.from, Math.min(...starts)),
        to: Math.min(span.to, Math.max(...starts) + width),
      };
      const gain = (span.to - span.from) / (narrow.to - narrow.from);
      span = narrow;
      if (gain < 2 || span.to - span.from < 60 * SECOND) break;
    }
    const found = await this.queries.search({ ...asked, ...span });
    return found.ok ? { ok: true, value: { answer: found.value, range: span } } : found;
  }

  private async entity(id: string): Promise<Answer> {
    const colon = id.indexOf(':');
    const [cls, value] = [id.slice(0, colon), id.slice(colon + 1)];
    if (!CLASSES.has(cls) || value === '' || Buffer.byteLength(value) > QUERY_TEXT_MAX)
      throw new Bad('no such entity', `give CLASS:VALUE, CLASS one of ${[...CLASSES].join(', ')}`);
    const which = { class: cls as EntityClass, value };
    const found = await this.queries.entity(which);
    if (!found.ok) return storeTrouble(found.fault);
    const alerts = await this.alertsOf(which);
    if (!alerts.ok) return storeTrouble(alerts.fault);
    const names = await this.namesOf(which);
    if (!names.ok) return storeTrouble(names.fault);
    const s = found.value;
    return ok({
      ...{ now: this.clock.wall(), class: cls, value, names: names.value },
      alerts: await this.summaries(alerts.value),
      summary:
        s === undefined
          ? undefined
          : {
              ...{ first: s.first, last: s.last, count: s.count, days: s.days, sensors: s.sensors },
              ...{ sentBytes: s.sentBytes, receivedBytes: s.receivedBytes },
              counts: Object.entries(s.counts).map(([kind, count]) => ({ kind, count })),
              peers: s.peers.map((p) => ({ ...p, class: peerClass(p.value) })),
            },
    } satisfies EntityAnswer);
  }

  private async alertsOf(which: Which): Promise<Result<StoredEvent<'alert'>[]>> {
    const [limit, lower] = [ENTITY_ALERTS, which.value.toLowerCase()];
    if (which.class === 'host') return this.queries.alerts({ host: which.value, limit });
    if (which.class === 'domain') return this.queries.alerts({ name: lower, limit });
    if (which.class === 'file') return this.queries.alerts({ hash: lower, limit });
    const found = await this.events(which, ['alert'], limit);
    if (!found.ok) return found;
    // Of each alert the latest revision.
    const latest = new Map<string, StoredEvent<'alert'>>();
    for (const e of found.value as StoredEvent<'alert'>[]) {
      const known = latest.get(e.event.id);
      if (known === undefined || known.event.revision < e.event.revision) latest.set(e.event.id, e);
    }
    return { ok: true, value: [...latest.values()] };
  }

  /** Exactly this value, never one that only contains it. */
  private async events(which: Which, kinds: readonly KindName[], limit: number): Promise<Result<StoredEvent[]>> {
    const form = which.class === 'address' ? 'address' : which.class === 'file' ? 'hash' : 'name';
    const asked = { text: which.value, form, from: 0, to: TIME_MAX, kinds, limit, buckets: 1 } as const;
    const found = await this.queries.search(asked);
    return found.ok ? { ok: true, value: [...found.value.events] } : found;
  }

  /** For hosts and addresses what identities say, for addresses what DNS says; for a file its names and places. */
  private async namesOf(which: Which): Promise<Result<EntityAnswer['names']>> {
    const kinds: Readonly<Record<EntityClass, readonly KindName[]>> = {
      host: ['identity'],
      address: ['identity', 'dns'],
      domain: ['dns'],
      file: ['file'],
    };
    const found = await this.events(which, kinds[which.class], SEARCH_EVENTS);
    if (!found.ok) return found;
    const names = new Map<string, { value: string; class: Pivot; source: string }>();
    const add = (value: string | null, cls: Pivot, source: string): void => {
      if (value === null || value === '' || value === which.value || names.size >= ENTITY_NAMES) return;
      // Newest first: what was said last is how it is known.
      const key = `${cls} ${value}`;
      if (!names.has(key)) names.set(key, { value, class: cls, source });
    };
    for (const stored of found.value) {
      const { kind } = stored;
      if (kind === 'identity') {
        const e = (stored as StoredEvent<'identity'>).event;
        add(e.name, 'search', `host name, by ${e.source}`);
        if (which.class === 'address') add(e.host, 'host', `host, by ${e.source}`);
        else add(e.addr, 'address', `address, by ${e.source}`);
      } else if (kind === 'dns') {
        const e = (stored as StoredEvent<'dns'>).event;
        if (which.class === 'address' && e.answers?.includes(which.value)) add(e.query, 'domain', 'DNS answer');
        if (which.class === 'domain')
          for (const answer of e.answers ?? []) add(answer, peerClass(answer), 'DNS answer');
      } else if (kind === 'file') {
        const e = (stored as StoredEvent<'file'>).event;
        add(e.filename, 'search', 'file name');
        add(e.url, 'search', 'fetched from');
        add(e.mime_type, 'search', 'type');
      }
    }
    return { ok: true, value: [...names.values()] };
  }

  private async sensors(params: URLSearchParams): Promise<Answer> {
    const days = wholeNumber(params, 'days', 1, SENSOR_DAYS_MAX);
    const now = this.clock.wall();
    const from = days === undefined ? 0 : now - days * DAY;
    const found = await this.queries.sensors(from, TIME_MAX);
    if (!found.ok) return storeTrouble(found.fault);
    // The collector's own streams are no sensors.
    const sensors = found.value.filter((s) => !OWN.has(s.sensor));
    return ok({ now, from, sensors: sensors.map((s) => sensorView(s, now)) } satisfies SensorsAnswer);
  }
}

type Who = Parameters<Desk['act']>[1];

/** What a body asks for; what it may say is the desk's to judge. */
function requestOf(path: string, body: Readonly<Record<string, unknown>>): DeskRequest {
  const said = (name: string): string => {
    const value = body[name] ?? '';
    if (typeof value !== 'string') throw new Bad(`${name}: is no text`, 'a text');
    return Buffer.from(value).toString();
  };
  const text = said('text');
  const entry = ENTRY.exec(path)?.[1];
  if (entry !== undefined) return { act: 'disallow', entry: Number(entry), text };
  const alert = ID.exec(path)?.[1];
  if (alert === undefined) {
    const scope = { chain: said('chain'), entity: said('entity'), value: said('value'), sensor: said('sensor') };
    return { act: 'allow', alert: said('alert'), text, ...scope, days: Number(body.days) };
  }
  const act = said('act');
  if (act === 'close') return { act, alert, text, verdict: said('verdict') };
  if (act === 'ack' || act === 'note' || act === 'reopen') return { act, alert, text };
  throw new Bad(`act: not known`, 'ack, note, close or reopen');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Bad('the address is no text', 'percent signs must be written as %25');
  }
}

/** What a peer's text looks like: hosts have their kind in front, addresses digits or colons alone. */
export function peerClass(value: string): Pivot {
  if (/^(mac|ip|name):/.test(value)) return 'host';
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(value) || /^[0-9a-f]*:[0-9a-f:.]*$/i.test(value)) return 'address';
  return value.includes('.') ? 'domain' : 'search';
}

function sensorView(s: SensorState, now: number): SensorView {
  const dropped = { kernel: s.kernelDropped, interface: s.interfaceDropped, decoder: s.appDropped };
  const lost = dropped.kernel + dropped.interface + dropped.decoder;
  const isKnown = s.lastStored !== undefined;
  const isSilent = isKnown && now / SECOND - (s.lastStored as number) > SILENT;
  const isLosing = lost + s.eventsDropped + s.gapBytes + s.missingFrames + s.refusedFrames > 0;
  return {
    ...{ sensor: s.sensor, lastSeen: s.lastSeen, lastStored: s.lastStored, packets: s.packets, dropped },
    ...{ eventsDropped: s.eventsDropped, gapBytes: s.gapBytes, frames: s.frames },
    ...{ refusedFrames: s.refusedFrames, missingFrames: s.missingFrames },
    captured: s.packets + lost === 0 ? undefined : s.packets / (s.packets + lost),
    state: !isKnown ? 'unknown' : isSilent ? 'silent' : isLosing ? 'losing' : 'ok',
  };
}
