// SPINE: chains over what the store has. Records that a chain could match are fetched by SQL made of its own
// conditions, hosts are who held their addresses then, and the engine runs over them as it does along with traffic.
//
// Indicators that came later are compared with history first: what they meet enters at the time at which it happened,
// and only the chains and keys that it concerns are run. So a chain completes backwards.

import { explain, type KeyStory } from './chains/explain.ts';
import { type History, type Key, nameOf, REMEMBERED, type Span, type Touch, Touches } from './chains/history.ts';
import { keysOfMemory, lazily, retro } from './chains/lazy.ts';
import type { Rule, Step } from './chains/rule.ts';
import { type Condition, conditionOf, conditionOfAny } from './chains/sql.ts';
import type { Config } from './config/config.ts';
import type { Indicator } from './intel/indicator.ts';
import { Intel } from './intel/intel.ts';
import type { Fault, Result } from './lib/fault.ts';
import { success } from './lib/fault.ts';
import type { Finding } from './schema/finding.ts';
import type { CatenaryEvent, FlowEnvelope, IdentityEvent, KindName, SightingEvent } from './schema/gen/events.gen.ts';
import { KIND_IDS } from './schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type HostRef, type Observation } from './schema/observation.ts';
import { contentHash } from './schema/order.ts';
import { remember } from './schema/remember.ts';
import { Signals } from './signals/dispatch.ts';
import type { SignalDefinition } from './signals/signal.ts';
import { openState } from './state/state.ts';
import type { Asker, Parameters } from './store/asker.ts';
import { countOf, earliest, recordsOf } from './store/records.ts';

const ALWAYS: Span = { from: 0, to: 4e15 };
/** Values asked for in one statement: they are in its address. */
const VALUES_A_QUERY = 200;
const CONCLUDED: ReadonlySet<KindName> = new Set(['signal', 'sighting', 'identity']);
/** Of one moment: whose address it was, what was said, then what it was said of, as detection takes them. */
const RANKS: Partial<Readonly<Record<KindName, number>>> = { identity: 0, signal: 1, sighting: 2 };

/** What stops a hunt, carried through the chains' own code. */
class StoreFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}
function must<T>(result: Result<T>): T {
  if (!result.ok) throw new StoreFault(result.fault);
  return result.value;
}

/** Whose address it was, by the intervals that detection wrote down. */
class Tenants {
  private readonly byAddress = new Map<string, IdentityEvent[]>();
  private readonly isLocal: (ip: string) => boolean;
  constructor(identities: readonly IdentityEvent[], isLocal: (ip: string) => boolean) {
    this.isLocal = isLocal;
    for (const e of identities) {
      if (e.addr === null) continue;
      const list = this.byAddress.get(e.addr);
      if (list === undefined) this.byAddress.set(e.addr, [e]);
      else list.push(e);
    }
    for (const list of this.byAddress.values()) list.sort((a, b) => a.from - b.from || a.seen - b.seen);
  }

  /** Those it ever held; of `ip:...` that one. */
  addressesOf(host: string): string[] {
    const held = [...this.byAddress].filter(([, list]) => list.some((e) => e.host === host)).map(([ip]) => ip);
    return host.startsWith('ip:') ? [...held, host.slice('ip:'.length)] : held;
  }

  resolve(ip: string, at: number, vlan: number | null | undefined): HostRef {
    const local = this.isLocal(ip);
    let holder: IdentityEvent | undefined;
    for (const e of this.byAddress.get(ip) ?? []) {
      if (e.from > at) break;
      if (e.vlan === null || vlan == null || e.vlan === vlan) holder = e;
    }
    if (holder === undefined || (holder.until !== null && holder.until < at))
      return { id: `ip:${ip}`, local, evidence: 'address' };
    return { id: holder.host, local, evidence: holder.source, name: holder.name };
  }
}

function observationOf(kind: KindName, event: CatenaryEvent, ref: string, tenants: Tenants): Observation {
  const hosts: Record<string, HostRef> = {};
  const values = event as unknown as Record<string, unknown>;
  const { vlan } = event as FlowEnvelope;
  for (const [name, { class: cls, from }] of CONCLUDED.has(kind) ? [] : Object.entries(ENTITY_FIELDS[kind] ?? {})) {
    const address = cls === 'host' ? values[from] : undefined;
    if (typeof address === 'string') hosts[name] = tenants.resolve(address, event.ts, vlan);
  }
  return { kind, event: event as never, seen: event.seen, ref, hash: contentHash(kind, event), hosts };
}

const rank = (kind: KindName): number => RANKS[kind] ?? 3 + KIND_IDS[kind];
const inOrder = (all: Observation[]): Observation[] =>
  all.sort(
    (a, b) => a.seen - b.seen || rank(a.kind) - rank(b.kind) || (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0),
  );

/** A column that holds an address, or the id of a host, as events have it: the server writes mapped ones otherwise. */
const plainAddress = (column: string): string => `replaceRegexpOne(toString(${column}), '^::ffff:([0-9.]+)$', '\\\\1')`;
const any = (conditions: readonly string[]): string => conditions.map((c) => `(${c})`).join(' OR ');

/** Where each space of memory is named: kind, and a condition on values; names are kept without case and final dot. */
const NAMES: Partial<Readonly<Record<Key['space'], readonly (readonly [KindName, string])[]>>> = {
  domain: [
    ['dns', "trimRight(lower(ifNull(query, '')), '.') IN {values: Array(String)}"],
    ['tls', "trimRight(lower(ifNull(server_name, '')), '.') IN {values: Array(String)}"],
    ['http', "trimRight(lower(ifNull(host, '')), '.') IN {values: Array(String)}"],
  ],
  file: [['file', 'sha256 IN {values: Array(String)}']],
  addr: [
    ['conn', `${plainAddress('resp_h')} IN {values: Array(String)}`],
    ['conn_update', `${plainAddress('resp_h')} IN {values: Array(String)}`],
  ],
  ja4: [['tls', 'ja4 IN {values: Array(String)}']],
  user_agent: [['http', "leftUTF8(ifNull(user_agent, ''), 256) IN {values: Array(String)}"]],
};

export class StoreHistory implements History {
  readonly since: number;
  private readonly asker: Asker;
  private readonly tenants: Tenants;

  private constructor(asker: Asker, tenants: Tenants, since: number) {
    this.asker = asker;
    this.tenants = tenants;
    this.since = since;
  }

  /** @param isLocal  inside the configured networks */
  static async open(asker: Asker, isLocal: (ip: string) => boolean): Promise<Result<StoreHistory>> {
    const since = await earliest(asker, REMEMBERED);
    if (!since.ok) return since;
    const condition = { text: "change IN ('opened', 'changed', 'closed')", parameters: {} };
    const identities = await recordsOf(asker, 'identity', condition, ALWAYS);
    if (!identities.ok) return identities;
    const tenants = new Tenants(
      identities.value.map((s) => s.event),
      isLocal,
    );
    return success(new StoreHistory(asker, tenants, since.value ?? 0));
  }

  async count(step: Step, span: Span): Promise<number> {
    return must(await countOf(this.asker, step.kind, parametersOf(conditionOf(step)), span));
  }

  async records(steps: readonly Step[], span: Span): Promise<Observation[]> {
    const all: Observation[] = [];
    for (const kind of new Set(steps.map((s) => s.kind))) {
      const condition = conditionOfAny(steps.filter((s) => s.kind === kind));
      all.push(...(await this.observations(kind, parametersOf(condition), span)));
    }
    return inOrder(all);
  }

  async touches(keys: readonly Key[], to: number): Promise<Touch[]> {
    const wanted = new Set(keys.map(nameOf));
    const found: Observation[] = [];
    const fetched = new Set<string>();
    for (const [space, places] of Object.entries(NAMES)) {
      const values = keys.filter((k) => k.space === space).map((k) => k.key);
      for (let i = 0; i < values.length; i += VALUES_A_QUERY)
        for (const [kind, text] of places) {
          const condition = { text, parameters: { values: values.slice(i, i + VALUES_A_QUERY) } };
          for (const obs of await this.observations(kind, condition, { from: 0, to })) {
            // One record may name several of the values.
            const place = `${kind} ${obs.ref}`;
            if (!fetched.has(place)) found.push(obs);
            fetched.add(place);
          }
        }
    }
    const touches = new Touches();
    for (const obs of inOrder(found)) remember(touches, obs);
    return touches.all.filter((t) => wanted.has(nameOf(t)));
  }

  /** All records of these steps' kinds that concern a host, whatever the steps ask of them. */
  async concerning(host: string, steps: readonly Step[], span: Span): Promise<Observation[]> {
    const addresses = this.tenants.addressesOf(host);
    const all: Observation[] = [];
    for (const kind of new Set(steps.map((s) => s.kind))) {
      const conditions = Object.values(ENTITY_FIELDS[kind] ?? {}).flatMap(({ class: cls, from }) => {
        if (cls !== 'host') return [];
        return [`${plainAddress(from)} IN {addresses: Array(String)}`];
      });
      if (conditions.length === 0) continue;
      const condition = { text: any(conditions), parameters: { addresses: [...addresses, host] } };
      all.push(...(await this.observations(kind, condition, span)));
    }
    return inOrder(all);
  }

  async observations(
    kind: KindName,
    condition: { readonly text: string; readonly parameters: Parameters },
    span: Span,
  ): Promise<Observation[]> {
    const stored = must(await recordsOf(this.asker, kind, condition, span));
    return stored.map(({ event, ref }) => observationOf(kind, event, ref, this.tenants));
  }
}

const parametersOf = ({ text, parameters }: Condition): { text: string; parameters: Parameters } => ({
  text,
  parameters,
});

/** What history is not compared with: said to whoever asks for it, never left out in silence. */
const NOT_ASKED: ReadonlySet<Indicator['type']> = new Set(['subnet', 'cert_hash', 'email', 'file_name']);

type Asked = { readonly text: string; readonly parameters: Parameters };

/** Records that could meet one of these indicators; Intel decides. */
function suspects(indicators: readonly Indicator[]): Map<KindName, Asked> {
  const out = new Map<KindName, Asked>();
  const values: Record<string, string[]> = {};
  for (const { type, match } of indicators) values[type] = [...(values[type] ?? []), match];
  /** Conditions on values of one type, each with `{TYPE: Array(String)}` where they go. */
  const ask = (kind: KindName, type: Indicator['type'], ...conditions: readonly string[]): void => {
    if (values[type] === undefined) return;
    const before = out.get(kind);
    const text = any(before === undefined ? conditions : [before.text, ...conditions]);
    out.set(kind, { text, parameters: { ...before?.parameters, [type]: values[type] } });
  };
  const isBelow = (name: string): string =>
    `arrayExists(d -> lower(${name}) = d OR endsWith(lower(${name}), concat('.', d)), {domain: Array(String)})`;
  const column = (name: string): string => `ifNull(${name}, '')`;
  ask('dns', 'domain', isBelow(column('query')), `arrayExists(a -> ${isBelow('a')}, answers)`);
  ask('tls', 'domain', isBelow(column('server_name')));
  ask('http', 'domain', isBelow(column('host')));
  ask('x509', 'domain', `arrayExists(n -> ${isBelow('n')}, san_dns)`);
  ask('conn', 'addr', ...['orig_h', 'resp_h'].map((name) => `${plainAddress(name)} IN {addr: Array(String)}`));
  ask('dns', 'addr', 'hasAny(answers, {addr: Array(String)})');
  const isOn = `arrayExists(u -> position(u, lower(${column('host')})) > 0, {url: Array(String)})`;
  ask('http', 'url', `${column('host')} != '' AND ${isOn}`);
  ask('file', 'file_hash', ...['sha256', 'sha1', 'md5'].map((name) => `${name} IN {file_hash: Array(String)}`));
  ask('tls', 'ja3', 'ja3 IN {ja3: Array(String)}');
  ask('tls', 'ja4', 'ja4 IN {ja4: Array(String)}');
  ask('http', 'user_agent', 'user_agent IN {user_agent: Array(String)}');
  ask('ssh', 'hassh', ...['hassh', 'hassh_server'].map((name) => `${name} IN {hassh: Array(String)}`));
  return out;
}

export interface HuntOptions {
  /** Chains to run, and those they take as steps. */
  readonly rules: readonly { readonly rule: Rule; readonly others: readonly Rule[] }[];
  readonly span: Span;
  /** Lists that came later, with their files; undefined: the chains are run over all that was. */
  readonly lists?: readonly (readonly [file: string, text: string])[];
  /** Packet time at which the lists, or the chains, were known [us]. */
  readonly knownAt: number;
  /** Settings of signals, as detection has them. */
  readonly signals?: Config['signals'];
  /** Signals that there are. */
  readonly definitions?: readonly SignalDefinition[];
}

export interface Hunted {
  readonly findings: readonly Finding[];
  /** What was wrong in the lists, and what of them was not compared with history. */
  readonly faults: readonly Fault[];
  /** Chains whose `retro` says that this is not for them. */
  readonly skipped: readonly string[];
}

/** What later lists say of history: sightings, and the signal that is made of them, at the time of what they met. */
async function lateOf(history: StoreHistory, options: HuntOptions, faults: Fault[]): Promise<Observation[]> {
  const intel = new Intel();
  for (const { file, line, message, hint } of intel.replace(options.lists ?? []))
    faults.push({ code: 'content_invalid', message: `${file}${line > 0 ? `:${line}` : ''}: ${message}`, hint });
  const { indicators } = intel;
  const skipped = indicators.filter((i) => NOT_ASKED.has(i.type));
  if (skipped.length > 0) {
    const types = [...NOT_ASKED].filter((t) => skipped.some((i) => i.type === t));
    const message = `${skipped.length} indicators of ${types.join(' and ')} were not compared with history`;
    faults.push({ code: 'content_invalid', message, hint: 'name their addresses' });
  }
  const state = must(openState(undefined));
  const signals = new Signals(new Touches(), state.section('signals'), options.signals ?? {}, options.definitions);
  const late: Observation[] = [];
  const met = new Map<string, Observation>();
  for (let i = 0; i < indicators.length; i += VALUES_A_QUERY)
    for (const [kind, condition] of suspects(indicators.slice(i, i + VALUES_A_QUERY)))
      for (const obs of await history.observations(kind, condition, options.span)) met.set(`${kind} ${obs.ref}`, obs);
  for (const obs of inOrder([...met.values()]))
    for (const found of intel.observe(obs)) {
      const event: SightingEvent = { ...found, retro: true, known_at: options.knownAt };
      const sighting: Observation = {
        ...{ kind: 'sighting', event: event as never, seen: event.seen, ref: obs.ref, hosts: {} },
        hash: contentHash('sighting', event),
      };
      for (const signal of signals.dispatch(sighting)) {
        const said = { ...signal, known_at: options.knownAt };
        late.push({ ...sighting, kind: 'signal', event: said as never, hash: contentHash('signal', said) });
      }
      late.push(sighting);
    }
  state.close();
  return late;
}

/** Alerts that history holds: of each chain, in the order in which they would have come. */
export async function hunt(history: StoreHistory, options: HuntOptions): Promise<Result<Hunted>> {
  try {
    const faults: Fault[] = [];
    const late = options.lists === undefined ? undefined : await lateOf(history, options, faults);
    const findings: Finding[] = [];
    const skipped: string[] = [];
    for (const { rule, others } of options.rules) {
      if (!(late === undefined ? rule.retro.rule : rule.retro.intel)) {
        skipped.push(rule.id);
        continue;
      }
      const span = { ...options.span, from: Math.max(options.span.from, options.span.to - rule.retro.backfill) };
      const given = { others, ...(late === undefined ? {} : { late }) };
      // What was found without the list is no news.
      const before = late === undefined ? [] : await lazily(rule, history, span, { others, about: late });
      const known = new Set(before.map(nameOfFinding));
      for (const f of await retro(rule, history, span, options.knownAt, given))
        if (!known.has(nameOfFinding(f))) findings.push(f);
    }
    return success({ findings, faults, skipped });
  } catch (error) {
    if (error instanceof StoreFault) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** Why a chain did not fire for a host: every record of it that concerns the chain's kinds, told step by step. */
export async function whyNot(
  history: StoreHistory,
  { rule, others }: HuntOptions['rules'][number],
  host: string,
  span: Span,
): Promise<Result<KeyStory[]>> {
  try {
    const steps = [rule, ...others].flatMap((r) => r.steps).filter((s) => s.own !== 'chain');
    const observations = await history.concerning(host, steps, span);
    const touches = await history.touches(keysOfMemory(observations), span.to);
    const past = { touches, since: history.since };
    return success(explain(rule, observations, { host, others, past }));
  } catch (error) {
    if (error instanceof StoreFault) return { ok: false, fault: error.fault };
    throw error;
  }
}

const nameOfFinding = (f: Finding): string => JSON.stringify([f.rule.hash, f.key, f.starts, f.revision]);
