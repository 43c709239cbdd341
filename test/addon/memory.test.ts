import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { LongMemory, type NativeMemoryClass, openMemory } from '../../src/state/memory.ts';

const day = 86_400e6;
const t0 = 1_700_000_000e6;

describe('long memory', () => {
  let Native: NativeMemoryClass;
  let dir: string;
  before(() => {
    const addon = loadAddon();
    assert.ok(addon.ok, 'run make build');
    Native = addon.value.Memory;
  });
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-memory-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('answers as of the call', () => {
    const m = new LongMemory(Native);
    assert.deepEqual(m.look('domain', 'x'), { first: undefined, last: undefined, count: 0, days: 0, since: 2 ** 64 });
    m.begin(t0);
    m.touch('domain', 'x', t0 + 1, 'mac:a');
    m.touch('domain', 'x', t0 + day, 'mac:b');
    m.touch('domain', 'x', t0 + day + 1);
    assert.deepEqual(m.look('domain', 'x'), { first: t0 + 1, last: t0 + day + 1, count: 3, days: 2, since: t0 });
    assert.deepEqual(m.look('domain', 'x', 'mac:a'), { first: t0 + 1, last: t0 + 1, count: 1, days: 1, since: t0 });
    assert.equal(m.look('file', 'x').count, 0);
    assert.equal(m.look('domain', 'x', 'mac:c').since, t0);
    assert.equal(m.prevalence('domain', 'x', 1, t0 + day), 1);
    assert.equal(m.prevalence('domain', 'x', 2, t0 + day), 2);
    assert.equal(m.prevalence('domain', 'y', 2, t0 + day), 0);
  });

  it('tells keys apart that are long, foreign or end alike', () => {
    const m = new LongMemory(Native);
    const keys = [
      '',
      '\0',
      'ü',
      '\u{1f600}',
      ...[507, 508, 509, 511, 512, 600, 5000].flatMap((n) => ['a'.repeat(n), 'ü'.repeat(n)]),
    ];
    for (const [i, key] of keys.entries()) for (let n = 0; n <= i; n++) m.touch('user_agent', key, t0, key);
    for (const [i, key] of keys.entries()) {
      assert.equal(m.look('user_agent', key).count, i + 1);
      assert.equal(m.look('user_agent', key, key).count, i + 1);
    }
  });

  it('hostile times do no harm', () => {
    const m = new LongMemory(Native);
    for (const at of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300, 0.5, t0]) m.touch('addr', 'x', at, 'h');
    assert.equal(m.look('addr', 'x').count, 6);
    assert.equal(m.prevalence('addr', 'x', Number.NaN, Number.NaN), 1);
  });

  it('stands where the state says, or says that it cannot', () => {
    const sub = path.join(dir, 'memory');
    const first = new LongMemory(Native, { dir: sub });
    for (let c = 1; c <= 3; c++) {
      first.touch('domain', 'x', t0 + c, 'h');
      assert.ok(first.commit(c).ok);
    }
    first.touch('domain', 'x', t0 + 9);
    assert.ok(!first.commit(3).ok);
    assert.equal(openMemory(Native, { dir: sub }).ok, false); // in use
    first.close();
    assert.throws(() => first.look('domain', 'x'), /closed/);
    const back = openMemory(Native, { dir: sub, position: 2 });
    assert.ok(back.ok);
    assert.equal(back.value.position, 2);
    assert.equal(back.value.look('domain', 'x', 'h').count, 2);
    back.value.close();
    const gone = openMemory(Native, { dir: sub, position: 3 });
    assert.ok(!gone.ok);
    assert.match(gone.fault.message, /stands at position 2, not 3/);
  });

  it('forgets within its budget, and counts it', () => {
    const m = new LongMemory(Native, { budgetBytes: 1 << 20 });
    for (let i = 0; i < 20_000; i++) m.touch('addr', `10.0.${i >> 8}.${i & 255}`, t0 + i, 'h');
    const s = m.stats();
    assert.ok(s.bytes <= 1 << 20);
    assert.equal(s.keys + s.keysEvicted, 20_000);
    const lost = m.look('addr', '10.0.0.0');
    assert.equal(lost.first, undefined);
    assert.ok(lost.since > t0);
  });
});
