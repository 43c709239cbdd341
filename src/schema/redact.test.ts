// What is hidden, class by class and mode by mode: in every kind that has such a field, in sentences, the same each
// time.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeBatch } from './decode.ts';
import { type EventInput, encodeBatch } from './encode.ts';
import type { KindName } from './gen/events.gen.ts';
import { FIELDS, type FieldMeta } from './gen/structures.gen.ts';
import { CLASSES, MODES, type Policy, Redactor } from './redact.ts';

const KEY = Buffer.alloc(32, 1);
const ALL: Policy = { secret: 'keep', content: 'keep', person: 'keep', address: 'keep' };
const SAMPLE: Readonly<Record<string, unknown>> = {
  ...{ text: 'PLANTED', ip: '198.51.100.77', mac: '02:aa:bb:cc:dd:ee', uid: 'C00000000001', bool: false },
};

/** An event whose every field has a value; a text is as long as its cap lets it be planted. */
function full(kind: KindName): Record<string, unknown> {
  const one = (f: FieldMeta): unknown => SAMPLE[f.type] ?? 0;
  return Object.fromEntries(FIELDS[kind].map((f) => [f.name, f.list ? [one(f)] : one(f)]));
}

const KINDS = Object.keys(FIELDS) as KindName[];

describe('redaction', () => {
  for (const of of CLASSES)
    for (const mode of MODES)
      it(`${of}, ${mode}: in every kind, and no other field changes`, () => {
        const redactor = new Redactor({ ...ALL, [of]: mode }, KEY);
        let fields = 0;
        for (const kind of KINDS) {
          const before = encodeBatch(kind, [full(kind)] as unknown as EventInput<KindName>[]);
          const [event] = decodeBatch(kind, before) as unknown as Record<string, unknown>[];
          const [after] = decodeBatch(kind, redactor.batch(kind, before)) as unknown as Record<string, unknown>[];
          for (const f of FIELDS[kind]) {
            const [was, is] = [event?.[f.name], after?.[f.name]];
            if (f.redact !== of || mode === 'keep') assert.deepEqual(is, was, `${kind}.${f.name}`);
            else {
              fields++;
              assert.ok(
                !JSON.stringify(is).includes(String(f.list ? (was as unknown[])[0] : was)),
                `${kind}.${f.name}`,
              );
              if (mode === 'hash') assert.ok(is !== null && is !== '' && String(is).length > 0);
              if (mode === 'drop') assert.ok(is === null || f.list || !f.optional, `${kind}.${f.name}: ${is}`);
            }
          }
        }
        assert.ok(mode === 'keep' || fields > 0);
      });

  it('the same value has the same hash, by a key; hashed twice it is the same', () => {
    const hashes = new Redactor({ ...ALL, secret: 'hash' }, KEY);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const hash = hashes.hashed(text);
        assert.match(hash, /^redacted:[0-9a-f]{16}$/);
        assert.equal(hashes.hashed(hash), hash);
        assert.notEqual(new Redactor(ALL, Buffer.alloc(32, 2)).hashed(text), hash);
      }),
    );
    assert.notEqual(hashes.hashed('alice'), hashes.hashed('bob'));
  });

  it('what has nothing to hide is not written anew', () => {
    const redactor = new Redactor({ ...ALL, secret: 'drop' }, KEY);
    const quiet = encodeBatch('http', [{ ...full('http'), password: null }] as never);
    assert.equal(redactor.batch('http', quiet), quiet);
    const conn = encodeBatch('conn', [full('conn')] as never);
    assert.equal(redactor.batch('conn', conn), conn);
  });

  it('a sentence has no address in it, and none of the texts', () => {
    const redactor = new Redactor({ ...ALL, address: 'hash' }, KEY);
    const drops = new Redactor({ ...ALL, address: 'drop' }, KEY);
    for (const address of ['192.0.2.7', '2001:db8::7', '::1', 'fe80::1:2', '02:aa:bb:cc:dd:ee', '::ffff:192.0.2.7'])
      for (const around of ['', 'from ', '(', '"', 'ip:']) {
        const text = `${around}${address}, at noon`;
        assert.ok(!redactor.sentence(text).includes(address), text);
        assert.equal(drops.sentence(` ${address} `).includes('<address>'), true);
      }
    assert.equal(redactor.sentence('at 12:30 alice and alice2', ['alice', 'alice2']).includes('alice'), false);
    assert.equal(new Redactor(ALL, KEY).sentence('192.0.2.7 at 12:30'), '192.0.2.7 at 12:30');
    for (const text of ['at 12:30:15 UTC', 'a: b', 'std::string']) assert.equal(redactor.sentence(text), text);
  });
});
