import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { compare, type Released, readReleased, toReleased } from './compat.ts';
import { outputs } from './gen.ts';
import { buildSchema, loadSchema, SchemaError } from './load.ts';
import { fieldBytesMax, RECORD_BYTES_MAX, recordBytesMax } from './model.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const schema = loadSchema(root);

const file = (text: string, path = 'native/protocols/toy/toy.schema.yaml') => ({
  path,
  content: parse(text) as unknown,
});
const FIELD = '{ id: 1, name: a, type: u8, brief: A, example: 1 }';
const toy = (fields: readonly string[], head = 'event: toy\nkind: 200\nenvelope: none\nbrief: A toy\nkeep_days: 1\n') =>
  buildSchema([file(`${head}fields:\n${fields.map((f) => `  - ${f}\n`).join('')}`)]);
const refused = (fields: readonly string[], message: RegExp): void =>
  assert.throws(
    () => toy(fields),
    (e) => e instanceof SchemaError && message.test(e.message),
  );

describe('the schema', () => {
  it('is what the generated files were made from', () => {
    for (const [path, content] of outputs(schema, root)) {
      const at = join(root, path);
      assert.ok(existsSync(at), `${path} is missing: npm run gen`);
      assert.ok(readFileSync(at, 'utf8') === content, `${path} is stale: npm run gen`);
    }
  });

  it('keeps every promise of the newest release', () => {
    const newest = readReleased(root).at(-1) as Released;
    assert.deepEqual(compare(newest, toReleased(schema, newest.schema)), []);
  });

  it('keeps the promises of releases among themselves', () => {
    const all = readReleased(root);
    for (const [i, r] of all.entries()) assert.equal(r.schema, i + 1);
    for (let i = 1; i < all.length; i++) assert.deepEqual(compare(all[i - 1] as Released, all[i] as Released), []);
  });

  it('bounds every record', () => {
    for (const k of schema.kinds) assert.ok(recordBytesMax(k) <= RECORD_BYTES_MAX, k.name);
  });
});

describe('the schema loader', () => {
  it('reads a field', () => {
    const [k] = toy([
      '{ id: 1, name: names, type: list of text, cap: 10, cap_items: 3, brief: N, example: [a] }',
    ]).kinds;
    assert.equal(k?.own[0]?.list, true);
    assert.equal(fieldBytesMax(k?.own[0] as never), 3 + 3 * 13);
    assert.deepEqual(
      k?.fields.map((f) => f.name),
      ['ts', 'seen', 'cut', 'names'],
    );
  });

  it('refuses what is unclear, with its place', () => {
    refused(['{ id: 1, name: a, type: text, brief: A, example: x }'], /toy.schema.yaml: a: cap must/);
    refused(['{ id: 1, name: a, type: list of u8, brief: A, example: [1] }'], /cap_items/);
    refused(['{ id: 1, name: a, type: u8, cap: 3, brief: A, example: 1 }'], /only a text has a cap/);
    refused(['{ id: 1, name: a, type: word, brief: A, example: 1 }'], /unknown type word/);
    refused(['{ id: 1, name: a, type: u8, brief: A, example: 256 }'], /example/);
    refused(['{ id: 1, name: a, type: u8, brief: A }'], /example/);
    refused(['{ id: 1, name: a, type: u8, example: 1 }'], /brief/);
    refused(['{ id: 1, name: a, type: u8, brief: A, example: 1, pii: true }'], /unknown key pii/);
    refused(['{ id: 1, name: class, type: u8, brief: A, example: 1 }'], /not a usable name/);
    for (const name of ['sensor', 'stored', 'frame_seq', 'frame_x', 'out_kind', 'community_id', 'registered_domain'])
      refused([`{ id: 1, name: ${name}, type: u8, brief: A, example: 1 }`], /the store has a column/);
    refused(['{ id: 1, name: ts, type: u8, brief: A, example: 1 }'], /field name ts twice/);
    refused([FIELD, FIELD.replace('name: a', 'name: b')], /field id 1 twice/);
    refused(
      ['{ id: 1, name: a, type: list of u8, cap_items: 2, optional: true, brief: A, example: [1] }'],
      /never optional/,
    );
    refused(['{ id: 1, name: a, type: text, cap: 70000, brief: A, example: x }'], /over 65536/);
    refused(['{ id: 1, name: a, type: u8, brief: "x */ y", example: 1 }'], /comment end/);
  });

  it('refuses two owners of one thing', () => {
    const head = `event: toy\nkind: 200\nenvelope: none\nbrief: A\nkeep_days: 1\nfields: [${FIELD}]\n`;
    const two = (second: string): void =>
      assert.throws(() => buildSchema([file(head), file(second, 'native/decode/b/b.schema.yaml')]), SchemaError);
    two(head.replace('kind: 200', 'kind: 201'));
    two(head.replace('event: toy', 'event: other'));
    assert.throws(
      () =>
        buildSchema([
          file('weirds: [{ name: w, brief: W }]', 'native/a.schema.yaml'),
          file('weirds: [{ name: w, brief: W }]', 'native/b.schema.yaml'),
        ]),
      /both in/,
    );
    assert.throws(() => buildSchema([file('protocol: { name: other, transport: tcp }')]), /another folder/);
  });
});

describe('compatibility', () => {
  const base = toReleased(toy([FIELD, FIELD.replace('id: 1, name: a', 'id: 2, name: b')]), 1);
  const against = (fields: readonly string[]): string => compare(base, toReleased(toy(fields), 1)).join('; ');
  const B = FIELD.replace('id: 1, name: a', 'id: 2, name: b');

  it('allows a field behind the last', () => {
    assert.equal(against([FIELD, B, FIELD.replace('id: 1, name: a', 'id: 3, name: c')]), '');
    assert.equal(against([FIELD.replace('brief: A', 'brief: Better words'), B]), '');
  });
  it('refuses everything else', () => {
    assert.match(against([FIELD]), /toy.b: removed/);
    assert.match(against([B, FIELD]), /id 1 is now 2/);
    assert.match(against([FIELD, B.replace('type: u8', 'type: u16')]), /type u8 is now u16/);
    assert.match(against([FIELD, B.replace('name: b', 'name: c')]), /renamed/);
    assert.match(against([FIELD, B.replace('type: u8', 'type: u8, optional: true')]), /optional changed/);
    assert.match(compare(base, toReleased(buildSchema([]), 1)).join(), /toy: removed/);
    const moved = structuredClone(base) as unknown as { kinds: { toy: { kind: number } } };
    moved.kinds.toy.kind = 7;
    assert.match(compare(base, moved as unknown as Released).join(), /kind 200 is now 7/);
    const taken = { ...base, kinds: { ...base.kinds, other: { kind: 200, envelope: 'none', fields: [] } } };
    assert.match(compare(base, taken).join(), /other: kind 200 belongs to toy/);
    const envelope = { ...base, envelopes: { ...base.envelopes, none: [] } };
    assert.match(compare(base, envelope).join(), /envelope none: changed/);
  });
});
