// What a declared signal does with an event: conditions, the count, and the sentence with the values.
import type { KindName } from '../schema/gen/events.gen.ts';
import type { Observation } from '../schema/observation.ts';
import type { Case, Condition, Declared } from './declared.ts';
import { duration, ofFile, ofFlow } from './flow.ts';
import type { Codec } from './keyed.ts';
import { Recent, recentCodec } from './recent.ts';
import { type Context, DAY, dayOf, type Emit, MINUTE, type Running, type Settings } from './signal.ts';

/** How long a habit lasts without being seen. */
const HABIT = 30 * DAY;

/** UTC day on which it last happened, and on how many there were. */
type Days = readonly [last: number, days: number];
const daysCodec: Codec<Days> = { pack: (d) => d, unpack: (stored) => stored as Days };

/** Of a value in a key, a count or an explanation. */
const VALUE_MAX = 120;

/** Beside its fields a record has hosts: their names are the derived fields' (`orig_host`). */
function shownValue(obs: Observation, name: string): string {
  const host = obs.hosts[name];
  const value = host?.id ?? (obs.event as unknown as Record<string, unknown>)[name];
  if (value === null || value === undefined) return 'nothing';
  const text = Array.isArray(value) ? value.slice(0, 8).join(', ') : String(value);
  return text.slice(0, VALUE_MAX);
}

const textOf = (obs: Observation, name: string | undefined): string | null => {
  const value = name === undefined ? null : (obs.event as unknown as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

export function run(
  d: Declared,
  kind: KindName,
  where: Condition,
  all: readonly Case[],
  { settings, memory, keyed }: Context<Settings>,
): Running<KindName> {
  const max = settings.keys_max as number;
  const sides = Object.entries(d.sides).map(([host, side]) => [host, side === 'local'] as const);
  const cases = all.map((c) => ({ ...c, holds: c.where(memory) }));
  const habit = (settings.habit_days as number | undefined) ?? Number.POSITIVE_INFINITY;
  const told = keyed('told', { max, idle: Number.isFinite(habit) ? HABIT : 2 * DAY }, daysCodec);
  const window = ((settings.window_minutes as number | undefined) ?? 0) * MINUTE;
  const counts = d.count === undefined ? undefined : keyed('counts', { max, idle: DAY }, recentCodec);

  /** Whether it is to be told: the first time on a UTC day, of a key that is no habit. */
  const isNews = (key: string, now: number): boolean => {
    const day = dayOf(now);
    const e = told.get(key, now);
    if (e === undefined) {
      told.add(key, [day, 1], now);
      return true;
    }
    const [last, days] = e.value;
    if (last === day) return false;
    e.value = [day, Math.min(days + 1, 1000)];
    told.touch(e, now);
    return days < habit;
  };

  /** How often it happened within the window; undefined: not often enough. */
  const counted = (obs: Observation, key: string): { n: number; since: number; trail: Recent } | undefined => {
    if (counts === undefined) return undefined;
    const e = counts.get(key, obs.seen) ?? counts.add(key, new Recent(), obs.seen);
    counts.touch(e, obs.seen);
    const distinct = d.count?.distinct;
    const n = e.value.add(distinct === undefined ? obs.ref : shownValue(obs, distinct), obs.seen, window, 64);
    e.value.trail((obs.event as { uid?: string }).uid ?? '', obs.ref);
    return n < (settings.least as number) ? undefined : { n, since: e.value.since(obs.seen), trail: e.value };
  };

  const look = (obs: Observation, _event: unknown, emit: Emit): void => {
    for (const [host, isLocal] of sides) if (obs.hosts[host]?.local !== isLocal) return;
    if (!where(obs)) return;
    const found = cases.find((c) => c.holds(obs));
    if (found === undefined) return;
    const parts = d.key.map((name) => shownValue(obs, name));
    const key = (d.when === undefined ? parts : [...parts, found.what]).join('|');
    const count = counted(obs, key);
    if (counts !== undefined && count === undefined) return;
    if (!isNews(key, obs.seen)) return;
    const event = obs.event as unknown as Record<string, unknown>;
    const features: Record<string, number> = {};
    for (const name of d.features) if (typeof event[name] === 'number') features[name] = event[name];
    const flow = obs.kind === 'file' ? ofFile(obs as Observation<'file'>) : ofFlow(obs);
    const span = count === undefined ? 0 : obs.seen - count.since;
    const says: Readonly<Record<string, string>> = {
      what: found.what,
      count: String(count?.n ?? 1),
      span: duration(span),
    };
    emit({
      ...flow,
      uids: flow.uids.filter((uid) => typeof uid === 'string'),
      score: found.score,
      key,
      ...(count === undefined
        ? {}
        : {
            first: count.since,
            count: count.n,
            uids: count.trail.uids.filter((u) => u !== ''),
            refs: count.trail.refs,
          }),
      user: textOf(obs, d.about.user),
      dstName: textOf(obs, d.about.name),
      sha256: textOf(obs, d.about.sha256),
      attack: found.attack,
      features: count === undefined ? features : { ...features, count: count.n, span_s: span / 1e6 },
      explanation: d.explain.replace(/\{(\w+)\}/g, (_, name: string) => says[name] ?? shownValue(obs, name)),
    });
  };
  return { on: { [kind]: look } as unknown as Running<KindName>['on'] };
}
