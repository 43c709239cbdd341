// The store as it may be shown: what the configuration hides is hidden in every answer, so that no page has to think of
// it. What is looked for by its true value is still found; it is only not shown.
import { type Result, success } from '../lib/fault.ts';
import type { EventOf, KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import type { Redactor } from '../schema/redact.ts';
import type { AlertDetail, Queries, SearchAnswer, StoredEvent } from './queries.ts';

const map = async <T, U>(result: Promise<Result<T>>, f: (value: T) => U): Promise<Result<U>> => {
  const r = await result;
  return r.ok ? success(f(r.value)) : r;
};

/** Kinds that say in words what other records held. */
const SAYS: ReadonlySet<KindName> = new Set(['alert', 'signal', 'sighting', 'weird', 'audit', 'triage']);

export function redactedQueries(queries: Queries, redactor: Redactor): Queries {
  const stored = <K extends KindName, S extends StoredEvent<K>>(
    s: S & StoredEvent<K>,
    texts: readonly string[] = [],
  ): S => {
    const hidden = redactor.event(s.kind, s.event);
    // A host may be named by its address, an answer of DNS is one: every text is looked through.
    const isSaid = SAYS.has(s.kind) || redactor.modeOf('address') !== 'keep';
    const said = isSaid ? inWords(s.kind, hidden, [...texts, ...redactor.textsOf(s.kind, s.event)]) : hidden;
    const added = Object.fromEntries(Object.entries(s.added).map(([name, v]) => [name, addedText(v)]));
    return { ...s, event: said, added };
  };
  /** Hosts are named by an address or a name; a community id is of addresses, but a hash of them. */
  const addedText = (v: string): string => {
    if (!/^(mac|ip|name):/.test(v)) return redactor.sentence(v);
    const mode = redactor.modeOf(v.startsWith('name:') ? 'person' : 'address');
    return mode === 'keep' ? v : mode === 'drop' ? '' : redactor.hashed(v);
  };
  const inWords = <K extends KindName>(kind: K, event: EventOf[K], texts: readonly string[]): EventOf[K] => {
    const out = { ...(event as unknown as Record<string, unknown>) };
    for (const { name, type } of FIELDS[kind]) {
      const v = out[name];
      if (type !== 'text' || name === 'id') continue;
      if (typeof v === 'string') out[name] = redactor.sentence(v, texts);
      else if (Array.isArray(v)) out[name] = v.map((x) => redactor.sentence(String(x), texts));
    }
    return out as unknown as EventOf[K];
  };
  const detail = (d: AlertDetail | undefined): AlertDetail | undefined => {
    if (d === undefined) return undefined;
    const texts = d.steps.flatMap(({ event: e }) => (e === undefined ? [] : redactor.textsOf(e.kind, e.event)));
    texts.push(...redactor.textsOf('alert', d.alert.event));
    return {
      alert: stored(d.alert, texts),
      revisions: d.revisions.map((r) => stored(r, texts)),
      steps: d.steps.map((s) => ({
        ...s,
        story: redactor.sentence(s.story, texts),
        event: s.event === undefined ? undefined : stored(s.event),
      })),
    };
  };
  return {
    alerts: (q) => map(queries.alerts(q), (all) => all.map((a) => stored(a))),
    alert: (id) => map(queries.alert(id), detail),
    events: (refs) => map(queries.events(refs), (all) => new Map([...all].map(([ref, e]) => [ref, stored(e)]))),
    search: (q) => map(queries.search(q), (a): SearchAnswer => ({ ...a, events: a.events.map((e) => stored(e)) })),
    entity: (which) =>
      map(queries.entity(which), (s) =>
        s === undefined ? undefined : { ...s, peers: s.peers.map((p) => ({ ...p, value: addedText(p.value) })) },
      ),
    sensors: (from, to) => queries.sensors(from, to),
    alertCounts: (q) => queries.alertCounts(q),
    heldBack: () => queries.heldBack(),
    marksOf: (ids) => map(queries.marksOf(ids), (all) => all.map((m) => stored(m))),
    sensorsOf: (ids) => queries.sensorsOf(ids),
  };
}
