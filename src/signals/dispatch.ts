// From kinds of events to the signals that asked for them.
//
// The table from kind to handlers is compiled once. A signal sees an event in the order of dispatch() and can say any
// number of things about it; what it says comes back in the order of the signals' ids. Time is the events' own:
// before an event is dispatched, everything that silence alone decides up to its time is said first, so that results
// do not depend on how often tick() is called.
import type { CatenaryEvent, KindName, SignalEvent } from '../schema/gen/events.gen.ts';
import type { Memory, Observation, Section } from '../schema/observation.ts';
import { ALL } from './gen/all.gen.ts';
import { byTable, type Codec, type Index, Keyed, type KeyedCounts, type KeyedLimits } from './keyed.ts';
import { NAMES_TABLE, Names } from './names.ts';
import {
  type Context,
  type Draft,
  type Emit,
  MINUTE,
  type Settings,
  type SignalDefinition,
  toSignal,
} from './signal.ts';

/** Per signal: settings that replace its defaults, and `enabled`. */
export type SignalsConfig = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What a configuration may say about signals, and what holds when it says nothing. */
export function settingsOf(
  definitions: readonly SignalDefinition[] = ALL,
): Readonly<Record<string, Settings & { readonly enabled: boolean }>> {
  return Object.fromEntries(definitions.map((d) => [d.id, { enabled: true, ...d.settings }])) as never;
}

/**
 * What is wrong with a configuration, one line each: "signals.beacon.contacts: no such setting (...)". Empty:
 * nothing.
 */
export function checkSettings(config: SignalsConfig, definitions: readonly SignalDefinition[] = ALL): string[] {
  const faults: string[] = [];
  for (const [id, own] of Object.entries(config)) {
    const definition = definitions.find((d) => d.id === id);
    if (definition === undefined) {
      faults.push(`signals.${id}: no such signal (there are: ${definitions.map((d) => d.id).join(', ')})`);
      continue;
    }
    if (typeof own !== 'object' || own === null || Array.isArray(own)) {
      faults.push(`signals.${id}: must be settings by name`);
      continue;
    }
    for (const [name, value] of Object.entries(own)) {
      const fault = settingFault(definition, name, value);
      if (fault !== undefined) faults.push(`signals.${id}.${name}: ${fault}`);
    }
  }
  return faults;
}

function settingFault(definition: SignalDefinition, name: string, value: unknown): string | undefined {
  if (name === 'enabled') return typeof value === 'boolean' ? undefined : 'must be true or false';
  const standard = Object.hasOwn(definition.settings, name) ? definition.settings[name] : undefined;
  if (standard === undefined) return `no such setting (there are: ${Object.keys(definition.settings).join(', ')})`;
  if (typeof standard === 'number') {
    return typeof value === 'number' && Number.isFinite(value) && value >= 0
      ? undefined
      : 'must be a number, 0 or more';
  }
  return Array.isArray(value) && value.every((v) => typeof v === 'string') ? undefined : 'must be a list of texts';
}

type Handler = (obs: Observation, event: CatenaryEvent, emit: Emit) => void;

interface Unit {
  readonly definition: SignalDefinition;
  readonly emit: Emit;
  readonly advance: ((now: number, end: number, emit: Emit) => number) | undefined;
  readonly tables: Keyed<unknown>[];
}

interface Interested {
  readonly handler: Handler;
  readonly emit: Emit;
}

/** Idle keys are forgotten this often [us]; how often changes no result. */
const SWEEP = 10 * MINUTE;
const CLOCK_TABLE = 'dispatch/clock';
const NONE: SignalEvent[] = [];

export interface TableCounts extends KeyedCounts {
  readonly table: string;
}

export class Signals {
  private readonly units: Unit[] = [];
  private readonly byKind: Partial<Record<KindName, Interested[]>> = {};
  private readonly names: Names | undefined;
  private readonly section: Section;
  private out: SignalEvent[] = NONE;
  private cause: { ts: number; seen: number } = { ts: 0, seen: 0 };
  /** Latest packet time seen. */
  private time = Number.NEGATIVE_INFINITY;
  private due = Number.NEGATIVE_INFINITY;
  private swept = Number.NEGATIVE_INFINITY;

  /** @throws RangeError when checkSettings(config) would have found something. */
  constructor(
    memory: Memory,
    section: Section,
    config: SignalsConfig = {},
    definitions: readonly SignalDefinition[] = ALL,
  ) {
    const faults = checkSettings(config, definitions);
    if (faults.length > 0) throw new RangeError(faults.join('; '));
    const enabled = definitions.filter((d) => config[d.id]?.enabled !== false);
    this.section = section;
    const stored = byTable(section);
    const names = new Names(section, stored.get(NAMES_TABLE) ?? []);
    this.names = enabled.some((d) => d.names) ? names : undefined;
    for (const definition of enabled) {
      const tables: Keyed<unknown>[] = [];
      const { enabled: _, ...own } = config[definition.id] ?? {};
      const context: Context<Settings> = {
        settings: { ...definition.settings, ...own } as Settings,
        memory,
        names,
        keyed: <T>(table: string, limits: KeyedLimits, codec: Codec<T>, index?: Index<T>): Keyed<T> => {
          const name = `${definition.id}/${table}`;
          const keyed = new Keyed<T>(name, limits, codec, section, stored.get(name) ?? [], index);
          tables.push(keyed as unknown as Keyed<unknown>);
          return keyed;
        },
      };
      const running = definition.run(context);
      const emit = (draft: Draft): void => {
        if (this.out === NONE) this.out = [];
        this.out.push(toSignal(definition, draft, this.cause));
      };
      this.units.push({ definition, emit, advance: running.advance, tables });
      for (const kind of definition.needs) {
        const list = this.byKind[kind] ?? [];
        this.byKind[kind] = list;
        list.push({ handler: running.on[kind] as unknown as Handler, emit });
      }
    }
    const clock = stored.get(CLOCK_TABLE)?.[0]?.[1];
    if (clock !== undefined) this.time = Buffer.from(clock).readDoubleLE(0);
  }

  /** Kinds that dispatch() does something with; the others need not be decoded for it. */
  wants(): ReadonlySet<KindName> {
    const kinds = new Set(Object.keys(this.byKind) as KindName[]);
    if (this.names !== undefined) kinds.add('dns');
    return kinds;
  }

  /** Everything said because of this event, and before it whatever silence decided until its time. */
  dispatch(obs: Observation): SignalEvent[] {
    this.out = NONE;
    if (obs.seen > this.time) {
      this.time = obs.seen;
      if (obs.seen > this.due) this.advance(obs.seen);
    }
    const kind = obs.kind;
    if (kind === 'dns') this.names?.learnAnswer(obs as Observation<'dns'>, obs.event as never);
    const list = this.byKind[kind];
    if (list === undefined) return this.out;
    this.cause = obs.event;
    for (let i = 0; i < list.length; i++) {
      const { handler, emit } = list[i] as Interested;
      handler(obs, obs.event, emit);
    }
    return this.out;
  }

  /** Nothing earlier than `watermark` comes any more; Infinity: nothing at all, and what is open is closed. */
  tick(watermark: number): SignalEvent[] {
    this.out = NONE;
    if (watermark === Number.POSITIVE_INFINITY) {
      this.advance(watermark);
    } else if (watermark > this.time) {
      this.time = watermark;
      if (watermark > this.due) this.advance(watermark);
    }
    return this.out;
  }

  /** Writes what changed into the section; committing it is the state's business. */
  save(): void {
    if (Number.isFinite(this.time)) {
      const clock = Buffer.alloc(8);
      clock.writeDoubleLE(this.time);
      this.section.put(`${CLOCK_TABLE}/now`, clock);
    }
    this.names?.save();
    for (const unit of this.units) for (const table of unit.tables) table.save();
  }

  /** Of every table: keys, and how many were forgotten for want of room or by age. */
  counts(): TableCounts[] {
    const all = this.units.flatMap((u) => u.tables.map((t) => ({ table: t.table, ...t.counts() })));
    return this.names === undefined ? all : [...all, { table: NAMES_TABLE, ...this.names.counts() }];
  }

  private advance(now: number): void {
    const end = Number.isFinite(this.time) ? this.time : 0;
    this.cause = { ts: end, seen: end };
    this.due = Number.POSITIVE_INFINITY;
    for (const unit of this.units) {
      if (unit.advance === undefined) continue;
      this.due = Math.min(this.due, unit.advance(now, end, unit.emit));
    }
    if (Number.isFinite(now) && now - this.swept >= SWEEP) {
      this.swept = now;
      this.names?.sweep(now);
      for (const unit of this.units) for (const table of unit.tables) table.sweep(now);
    }
    // A turn now and then even while nothing is due: to sweep, and to hear of deadlines set since (signal.ts, Running).
    if (Number.isFinite(now)) this.due = Math.min(this.due, now + SWEEP);
  }
}
