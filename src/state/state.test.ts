import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { KEY_BYTES_MAX, openState, STATE_VERSION, type State } from './state.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);

function opened(dir: string | undefined): State {
  const result = openState(dir);
  assert.ok(result.ok, result.ok ? '' : result.fault.message);
  return result.value;
}

const listed = (state: State, section: string): [string, string | undefined][] =>
  [...state.section(section).entries()].map(([k, v]) => [k, text(v)]);

for (const durable of [false, true]) {
  describe(`state ${durable ? 'in a folder' : 'of this process'}`, () => {
    let dir: string | undefined;
    beforeEach(() => {
      dir = durable ? mkdtempSync(path.join(tmpdir(), 'catenary-state-')) : undefined;
    });
    afterEach(() => {
      if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
    });

    it('gives back what was put, before and after the commit', () => {
      const state = opened(dir);
      const a = state.section('a');
      a.put('k', bytes('1'));
      state.section('b').put('k', bytes('2'));
      for (const commit of [false, true]) {
        if (commit) assert.ok(state.commit('c1').ok);
        assert.equal(text(a.get('k')), '1');
        assert.equal(text(state.section('b').get('k')), '2');
        assert.equal(a.get('other'), undefined);
      }
      a.remove('k');
      assert.equal(a.get('k'), undefined);
      assert.deepEqual(listed(state, 'a'), []);
      assert.deepEqual(listed(state, 'b'), [['k', '2']]);
      assert.equal(state.cursor, 'c1');
      assert.equal(state.sequence, 1);
      state.close();
    });

    it('keeps its own copy of a value', () => {
      const state = opened(dir);
      const value = bytes('aaa');
      state.section('s').put('k', value);
      value.fill(0);
      assert.equal(text(state.section('s').get('k')), 'aaa');
      state.close();
    });

    it('lists committed and waiting entries by the bytes of their keys, and stands changes meanwhile', () => {
      const state = opened(dir);
      const s = state.section('s');
      for (const k of ['b', 'd', 'é', '\u{1f600}', '\uffee']) s.put(k, bytes(k));
      assert.ok(state.commit('1').ok);
      for (const k of ['a', 'c', 'z']) s.put(k, bytes(k));
      s.remove('b');
      s.put('d', bytes('new'));
      const seen: string[] = [];
      for (const [k] of s.entries()) {
        seen.push(k);
        s.remove(k);
      }
      assert.deepEqual(seen, ['a', 'c', 'd', 'z', 'é', '\uffee', '\u{1f600}']);
      assert.deepEqual(listed(state, 's'), []);
      state.close();
    });

    it('sections whose names begin alike do not mix', () => {
      const state = opened(dir);
      for (const name of ['a', 'a.b', 'ab']) state.section(name).put('k', bytes(name));
      assert.ok(state.commit('1').ok);
      for (const name of ['a', 'a.b', 'ab']) assert.deepEqual(listed(state, name), [['k', name]]);
      state.close();
    });

    it('keys are bounded', () => {
      const state = opened(dir);
      const s = state.section('s');
      for (const n of [KEY_BYTES_MAX - 1, KEY_BYTES_MAX]) s.put('k'.repeat(n), bytes('v'));
      assert.throws(() => s.put('k'.repeat(KEY_BYTES_MAX + 1), bytes('v')), RangeError);
      assert.throws(() => s.put('é'.repeat(KEY_BYTES_MAX / 2 + 1), bytes('v')), RangeError);
      assert.throws(() => s.get(''), RangeError);
      assert.throws(() => s.put('\ud800', bytes('v')), RangeError);
      assert.throws(() => state.section('A'), RangeError);
      assert.ok(state.commit('1').ok);
      assert.equal(listed(state, 's').length, 2);
      state.close();
    });

    it('equals a naive twin whatever is done to it', () => {
      const key = fc.constantFrom('a', 'b', 'b\0', 'bb', 'ü', '\uffff', '\u{10000}');
      const action = fc.oneof(
        fc.record({
          do: fc.constant('put' as const),
          s: fc.constantFrom('x', 'y'),
          k: key,
          v: fc.uint8Array({ maxLength: 9 }),
        }),
        fc.record({ do: fc.constant('remove' as const), s: fc.constantFrom('x', 'y'), k: key }),
        fc.record({ do: fc.constant('commit' as const), cursor: fc.string({ maxLength: 5, unit: 'grapheme' }) }),
        fc.record({ do: fc.constant('restart' as const) }),
      );
      fc.assert(
        fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
          const own = dir === undefined ? undefined : mkdtempSync(path.join(dir, 'run-'));
          let state = opened(own);
          let now = new Map<string, Uint8Array>();
          let committed = new Map<string, Uint8Array>();
          let cursor: string | undefined;
          let sequence = 0;
          for (const a of actions) {
            if (a.do === 'put') {
              state.section(a.s).put(a.k, a.v);
              now.set(`${a.s}/${a.k}`, a.v);
            } else if (a.do === 'remove') {
              state.section(a.s).remove(a.k);
              now.delete(`${a.s}/${a.k}`);
            } else if (a.do === 'commit') {
              assert.ok(state.commit(a.cursor).ok);
              committed = new Map(now);
              cursor = a.cursor;
              sequence++;
            } else if (own !== undefined) {
              state.close();
              state = opened(own);
              now = new Map(committed);
            }
            assert.equal(state.cursor, cursor);
            assert.equal(state.sequence, sequence);
            for (const s of ['x', 'y']) {
              const want = [...now]
                .filter(([k]) => k.startsWith(`${s}/`))
                .map(([k, v]) => [k.slice(2), Buffer.from(v).toString('hex')] as const)
                .sort(([p], [q]) => Buffer.compare(Buffer.from(p), Buffer.from(q)));
              const got = [...state.section(s).entries()].map(([k, v]) => [k, Buffer.from(v).toString('hex')]);
              assert.deepEqual(got, want);
              for (const k of ['a', 'b\0', 'ü'])
                assert.deepEqual(state.section(s).get(k)?.length, now.get(`${s}/${k}`)?.length);
            }
          }
          state.close();
        }),
        { numRuns: durable ? 25 : 200 },
      );
    }).timeout(60_000);
  });
}

describe('state on disk', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-state-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('what was not committed is gone after a restart', () => {
    const state = opened(dir);
    state.section('s').put('k', bytes('1'));
    assert.ok(state.commit('c').ok);
    state.section('s').put('k', bytes('2'));
    state.close();
    const again = opened(dir);
    assert.equal(text(again.section('s').get('k')), '1');
    assert.equal(again.cursor, 'c');
    assert.equal(again.sequence, 1);
    again.close();
  });

  it('killed at any moment, sections and cursor are of the same commit', async () => {
    const script = path.join(dir, 'writer.mjs');
    writeFileSync(
      script,
      `import { openState } from ${JSON.stringify(new URL('./state.ts', import.meta.url).href)};
       const state = openState(${JSON.stringify(path.join(dir, 'db'))}).value;
       const s = state.section('s');
       for (let n = state.sequence + 1; ; n++) {
         for (let i = 0; i < 50; i++) s.put('k' + i, new TextEncoder().encode(String(n)));
         state.commit('at ' + n);
         if (n % 5 === 0) process.stdout.write('.');
       }`,
    );
    let reached = 0;
    for (const wait of [1, 3, 6]) {
      const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      let dots = 0;
      await new Promise<void>((done) => {
        child.stdout.on('data', (d: Buffer) => {
          dots += d.length;
          if (dots >= wait) child.kill('SIGKILL');
        });
        child.on('exit', () => done());
      });
      const state = opened(path.join(dir, 'db'));
      assert.ok(state.sequence > reached);
      reached = state.sequence;
      assert.equal(state.cursor, `at ${reached}`);
      const values = listed(state, 's').map(([, v]) => v);
      assert.equal(values.length, 50);
      assert.ok(values.every((v) => v === String(reached)));
      state.close();
    }
  }).timeout(60_000);

  it('a newer version is refused', () => {
    const db = open({ path: path.join(dir, 'state.mdb'), encoding: 'binary', keyEncoding: 'binary' });
    db.putSync(Buffer.from('\0meta'), Buffer.from(JSON.stringify({ version: STATE_VERSION + 1, sequence: 3 })));
    void db.close();
    const result = openState(dir);
    assert.ok(!result.ok);
    assert.match(result.fault.message, /state of version 3, this program reads up to 2/);
  });

  it('a folder that cannot be is a fault, not an exception', () => {
    writeFileSync(path.join(dir, 'file'), 'x');
    const under = openState(path.join(dir, 'file', 'state'));
    assert.ok(!under.ok);
    writeFileSync(path.join(dir, 'state.mdb'), 'x'.repeat(10_000));
    const damaged = openState(dir);
    assert.ok(!damaged.ok);
    assert.match(damaged.fault.message, /state\.mdb: /);
  });
});
