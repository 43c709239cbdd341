import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CatenaryEvent, KindName } from './gen/events.gen.ts';
import { FIELDS, KIND_NAMES } from './gen/structures.gen.ts';
import { contentHash, Merge, type MergeCursor, type Placed } from './order.ts';

const event = (seen: number, more: Record<string, unknown> = {}): CatenaryEvent =>
  ({ ts: seen, seen, orig_h: null, ...more }) as never;
const text = ({ kind, event: e }: Pick<Placed, 'kind' | 'event'>): string =>
  `${kind}@${e.seen} ${(e as { orig_h?: string }).orig_h ?? ''}`;

interface Frame {
  readonly kind: KindName;
  readonly events: readonly CatenaryEvent[];
}

/** All of it, with a settle after each frame. */
function merged(slack: number, frames: readonly Frame[]): { out: string[]; late: number } {
  const out: string[] = [];
  const merge = new Merge(slack, (p) => out.push(text(p)));
  for (const [i, f] of frames.entries()) {
    merge.push(f.kind, f.events, i + 1);
    merge.settle();
  }
  merge.finish();
  return { out, late: merge.late };
}

describe('the order of events', () => {
  it('of one moment, ties are broken by kind, then by content, however they came', () => {
    const a = event(1, { orig_h: 'a' });
    const b = event(1, { orig_h: 'b' });
    const [first, second] = contentHash('dns', a) < contentHash('dns', b) ? ['a', 'b'] : ['b', 'a'];
    for (const dns of [
      [a, b],
      [b, a],
    ]) {
      const { out } = merged(0, [
        { kind: 'tls', events: [event(0)] },
        { kind: 'http', events: [event(1)] },
        ...dns.map((e): Frame => ({ kind: 'dns', events: [e] })),
        { kind: 'conn', events: [event(2)] },
      ]);
      assert.deepEqual(out, ['tls@0 ', `dns@1 ${first}`, `dns@1 ${second}`, 'http@1 ', 'conn@2 ']);
    }
  });

  it('a moment is told when the next has come', () => {
    const out: string[] = [];
    const merge = new Merge(0, (p) => out.push(text(p)));
    merge.push('dns', [event(1), event(2)], 1);
    merge.settle();
    assert.deepEqual(out, ['dns@1 ']);
    merge.finish();
    assert.deepEqual(out, ['dns@1 ', 'dns@2 ']);
  });

  it('workers may be apart by the slack: one below, at, and above', () => {
    for (const [apart, late] of [
      [99, 0],
      [100, 0],
      [101, 1],
    ] as const) {
      const frames: Frame[] = [
        { kind: 'dns', events: [event(900), event(1000)] },
        { kind: 'dns', events: [event(1000 - apart)] },
      ];
      const { out, late: counted } = merged(100, frames);
      assert.equal(counted, late, `${apart} apart`);
      assert.equal(out.length, 3, 'nothing is lost');
    }
  });

  it('where its inputs lie is no part of what a conclusion says', () => {
    const signal = (refs: string[]) => event(1, { name: 'beacon', refs });
    assert.equal(contentHash('signal', signal(['a/1/1/0'])), contentHash('signal', signal(['b/1/7/0'])));
    assert.notEqual(contentHash('dns', event(1, { orig_h: 'a' })), contentHash('dns', event(1, { orig_h: 'b' })));
  });

  it('of what a record says the order of its fields is no part: as it was made, and as it was read again', () => {
    for (const kind of KIND_NAMES) {
      if (kind === undefined) continue;
      const fields = FIELDS[kind].map(({ name }) => [name, 1] as const);
      const [made, read] = [fields, [...fields].reverse()].map((f) => Object.fromEntries(f) as never);
      assert.equal(contentHash(kind, made as never), contentHash(kind, read as never), kind);
    }
    assert.equal(contentHash('dns', { ts: 1, seen: 1 } as never), contentHash('dns', event(1, { query: null })));
  });

  // Two workers, each in order, apart by less than the slack; frames of one kind, cut anywhere.
  const worker = fc.array(fc.record({ step: fc.nat(40), kind: fc.constantFrom<KindName>('dns', 'conn', 'tls') }), {
    maxLength: 30,
  });
  const framesOf = (steps: readonly { step: number; kind: KindName }[], name: string): Frame[] => {
    let seen = 1000;
    return steps.map(({ step, kind }, i) => {
      seen += step;
      return { kind, events: [event(seen, { orig_h: `${name}${i}` })] };
    });
  };
  const interleaved = (x: Frame[], y: Frame[]): Frame[] =>
    [...x, ...y].sort((a, b) => (a.events[0] as CatenaryEvent).seen - (b.events[0] as CatenaryEvent).seen);

  it('is the same for any interleaving of workers within the slack', () => {
    fc.assert(
      fc.property(worker, worker, fc.array(fc.nat(1e6), { maxLength: 60 }), (x, y, swaps) => {
        const frames = interleaved(framesOf(x, 'x'), framesOf(y, 'y'));
        const { out: wanted } = merged(100, frames);
        const other = [...frames];
        for (const s of swaps) {
          const i = s % Math.max(1, other.length - 1);
          const [a, b] = [other[i], other[i + 1]];
          if (a === undefined || b === undefined) continue;
          if (((a.events[0] as CatenaryEvent).seen - (b.events[0] as CatenaryEvent).seen) ** 2 > 3 ** 2) continue;
          [other[i], other[i + 1]] = [b, a];
        }
        const { out, late } = merged(1000, other);
        assert.deepEqual(out, wanted);
        assert.equal(late, 0);
      }),
    );
  });

  it('stopped after any frame and gone on from its cursor: the same events, none twice', () => {
    fc.assert(
      fc.property(worker, worker, fc.nat(60), fc.nat(150), (x, y, stop, slack) => {
        const frames = interleaved(framesOf(x, 'x'), framesOf(y, 'y'));
        const { out: wanted } = merged(slack, frames);
        const out: string[] = [];
        const first = new Merge(slack, (p) => out.push(text(p)));
        const cut = Math.min(stop, frames.length);
        for (const [i, f] of frames.slice(0, cut).entries()) {
          first.push(f.kind, f.events, i + 1);
          first.settle();
        }
        const cursor = JSON.parse(JSON.stringify(first.cursor)) as MergeCursor;
        const second = new Merge(slack, (p) => out.push(text(p)), cursor);
        for (const [i, f] of frames.entries()) {
          if (i + 1 < cursor.from) continue;
          second.push(f.kind, f.events, i + 1);
          second.settle();
        }
        second.finish();
        assert.deepEqual(out, wanted);
      }),
    );
  });

  it('its cursor is what it was while nothing was pushed again', () => {
    const first = new Merge(100, () => undefined);
    for (const [i, seen] of [1000, 1010, 1200, 1210].entries()) first.push('dns', [event(seen)], i + 1);
    first.settle();
    assert.equal(first.cursor.from, 3);
    const second = new Merge(100, () => undefined, first.cursor);
    assert.deepEqual(second.cursor, first.cursor);
    assert.equal(second.reached, 2);
    second.push('dns', [event(1200)], 3);
    assert.deepEqual(second.cursor, first.cursor);
    second.push('dns', [event(1210)], 4);
    assert.equal(second.reached, 4);
  });

  it('stopped again and again, in frames of any order: nothing is lost, and nothing comes twice', () => {
    // What is settled in one life may be settled earlier than in another; what is late in one, in time in another.
    const frame = fc.record({ seen: fc.nat(400), isSettled: fc.boolean(), isStopped: fc.boolean() });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 40 }), fc.nat(150), (frames, slack) => {
        const out: string[] = [];
        const open = (cursor?: MergeCursor): Merge => new Merge(slack, (p) => out.push(text(p)), cursor);
        let merge = open();
        const push = (i: number): void => {
          const { seen, isSettled } = frames[i] as (typeof frames)[number];
          merge.push('dns', [event(seen, { orig_h: `${i}` })], i + 1);
          if (isSettled) merge.settle();
        };
        for (const [i, { isStopped }] of frames.entries()) {
          push(i);
          if (!isStopped) continue;
          const cursor = JSON.parse(JSON.stringify(merge.cursor)) as MergeCursor;
          merge = open(cursor);
          for (let again = cursor.from; again <= i + 1; again++) push(again - 1);
        }
        merge.finish();
        const wanted = frames.map(({ seen }, i) => `dns@${seen} ${i}`);
        assert.deepEqual(out.sort(), wanted.sort());
      }),
    );
  });
});
