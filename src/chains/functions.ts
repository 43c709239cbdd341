// The functions of `where`, each with what the reference page says of it (docs.ts).
//
// A function is closed when the store can answer it too: a chain that is run over history (retro) asks it there. What
// memory answers is answered there by the events themselves.
import type { Bindings, Node, Type, Typed } from './cel.ts';
import { DAY, duration } from './duration.ts';
import { Bound, UNKNOWN, type Value } from './values.ts';

export const EXECUTABLE_TYPES: ReadonlySet<string> = new Set([
  'application/x-dosexec',
  'application/x-executable',
  'application/x-sharedlib',
  'application/x-mach-o-executable',
  'application/x-msi',
  'application/x-ms-shortcut',
  'application/java-archive',
  'application/x-java-applet',
  'application/vnd.android.package-archive',
  'application/hta',
  'text/x-msdos-batch',
  'text/x-shellscript',
  'text/x-python',
  'text/x-perl',
  'text/x-ruby',
]);

/** What a function needs of the compiler. */
export interface Compiling {
  fault(message: string, n: Node, hint?: string): Error;
  /** @throws when `t` has another type */
  expect(t: Typed, type: Type, n: Node): Typed;
  source(n: Node): string;
}

export interface FunctionOfWhere {
  /** As an author writes it. */
  readonly form: string;
  readonly answers: Type;
  readonly brief: string;
  /** Asks memory: what it says depends on when it is asked. */
  readonly memory: boolean;
  /** Least and most values. */
  readonly takes: readonly [number, number];
  compile(cx: Compiling, args: readonly Node[], typed: readonly Typed[]): Typed;
}

/** Memory younger than this knows no habits. */
const HABIT = 7 * DAY;

function windowOf(cx: Compiling, t: Typed, n: Node): number {
  const length = typeof t.constant === 'string' ? duration(t.constant) : undefined;
  if (length === undefined || length < DAY) throw cx.fault('a window is a text of whole days', n, 'for example "30d"');
  return length;
}

/** A value that memory has a space for. */
function remembered(cx: Compiling, t: Typed, n: Node, name: string): Required<Pick<Typed, 'run' | 'space'>> {
  if (t.space !== undefined) return { run: t.run, space: t.space };
  throw cx.fault(
    `memory keeps nothing about ${cx.source(n)}`,
    n,
    `${name} knows domains, files, users, addresses, ja4, user agents and certificates`,
  );
}

/** What memory says of a key, or of a key and a host, given to `answer`; unset stays unset. */
function looking(
  cx: Compiling,
  name: string,
  args: readonly Node[],
  typed: readonly Typed[],
  answer: (known: ReturnType<Bindings['memory']['look']>, at: number) => Value,
): Typed {
  const { run, space } = remembered(cx, typed[0] as Typed, args[0] as Node, name);
  const host = typed[1];
  if (host !== undefined && host.class !== 'host')
    throw cx.fault(`the second value of ${name} is a host`, args[1] as Node);
  const look = (b: Bindings): Value => {
    const key = run(b);
    if (typeof key !== 'string') return key;
    const of = host?.run(b);
    return answer(typeof of === 'string' ? b.memory.look(space, key, of) : b.memory.look(space, key), b.at);
  };
  return { type: 'number', run: look };
}

const numeric = { answers: 'number', memory: true, takes: [1, 2] } as const;

export const FUNCTIONS: ReadonlyMap<string, FunctionOfWhere> = new Map(
  Object.entries<FunctionOfWhere>({
    is_executable: {
      ...{ form: 'is_executable(file.mime_type)', answers: 'bool', memory: false, takes: [1, 1] },
      brief: 'Runs when it is opened, by its magic bytes.',
      compile(cx, args, typed) {
        const { run } = cx.expect(typed[0] as Typed, 'text', args[0] as Node);
        return { type: 'bool', run: (b) => EXECUTABLE_TYPES.has(run(b) as string) };
      },
    },
    size: {
      ...{ form: 'size(x)', answers: 'number', memory: false, takes: [1, 1] },
      brief: 'Length of a text or of a list.',
      compile(cx, args, typed) {
        const { run, type } = typed[0] as Typed;
        if (type === 'number' || type === 'bool') throw cx.fault(`a ${type} has no size`, args[0] as Node);
        const size = (b: Bindings): Value => {
          const v = run(b);
          return typeof v === 'string' || Array.isArray(v) ? v.length : null;
        };
        return { type: 'number', run: size };
      },
    },
    first_seen: {
      ...{ form: 'first_seen(x)` or `first_seen(x, host)', ...numeric },
      brief: 'Packet time at which anybody, or that host, first had it [us]; unset when never.',
      compile: (cx, args, typed) =>
        looking(cx, 'first_seen', args, typed, ({ first, last, since }) =>
          first === undefined ? (last ?? null) : new Bound(first, 'or less', since),
        ),
    },
    last_seen: {
      ...{ form: 'last_seen(x)` or `last_seen(x, host)', ...numeric },
      brief: 'Packet time at which anybody, or that host, last had it [us]: this record counts.',
      compile: (cx, args, typed) => looking(cx, 'last_seen', args, typed, ({ last }) => last ?? null),
    },
    age: {
      ...{ form: 'age(x)` or `age(x, host)', ...numeric },
      brief: 'Time since it was first seen [us].',
      compile: (cx, args, typed) =>
        looking(cx, 'age', args, typed, ({ first }, at) =>
          first === undefined ? null : new Bound(at - first, 'or more'),
        ),
    },
    is_new: {
      ...{ form: 'is_new(x, "30d")', answers: 'bool', memory: true, takes: [2, 2] },
      brief: 'Not seen before that many days.',
      compile(cx, args, typed) {
        const window = windowOf(cx, typed[1] as Typed, args[1] as Node);
        const { run, space } = remembered(cx, typed[0] as Typed, args[0] as Node, 'is_new');
        const isNew = (b: Bindings): Value => {
          const key = run(b);
          if (typeof key !== 'string') return key;
          const known = b.memory.look(space, key);
          if (known.first !== undefined && known.first < b.at - window) return false;
          return known.since > b.at - window ? UNKNOWN : true;
        };
        return { type: 'bool', run: isNew };
      },
    },
    prevalence: {
      ...{ form: 'prevalence(x, "30d")', answers: 'number', memory: true, takes: [2, 2] },
      brief: 'Hosts that had it in that many UTC days: exact to 16, so compare with no more.',
      compile(cx, args, typed) {
        const window = windowOf(cx, typed[1] as Typed, args[1] as Node);
        const days = Math.ceil(window / DAY);
        const { run, space } = remembered(cx, typed[0] as Typed, args[0] as Node, 'prevalence');
        const prevalence = (b: Bindings): Value => {
          const key = run(b);
          if (typeof key !== 'string') return key;
          const hosts = b.memory.prevalence(space, key, days, b.at);
          // Few hosts may only mean that memory is young.
          return b.memory.look(space, key).since > b.at - window ? new Bound(hosts, 'or more') : hosts;
        };
        return { type: 'number', run: prevalence };
      },
    },
    baseline: {
      ...{ form: 'baseline(x)` or `baseline(x, host)', ...numeric },
      brief: 'How often a day it is seen, on days on which it is seen at all; unknown in the first week of memory.',
      compile: (cx, args, typed) =>
        looking(cx, 'baseline', args, typed, ({ count, days, since }, at) => {
          if (since > at - HABIT) return UNKNOWN;
          return days === 0 ? null : count / days;
        }),
    },
  }),
);
