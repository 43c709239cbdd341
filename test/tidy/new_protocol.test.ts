// The template is a unit like any other: right shape, right schema, no house rule broken, under whatever name it gets.
// `make template` also compiles it and runs its tests.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { buildSchema } from '../../src/schema/load.ts';
import { payloads } from '../pcap.mjs';
import { newProtocol } from './new_protocol.mjs';
import { tidy } from './tidy.mjs';

describe('new-protocol', () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'catenary-template-'));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it('makes a folder that breaks no house rule', () => {
    newProtocol('my_proto', root);
    assert.deepEqual(tidy(root), []);
  });

  it('leaves no trace of the template', () => {
    const dir = newProtocol('my_proto', root);
    for (const file of fs.readdirSync(dir, { recursive: true }).map(String)) {
      assert.doesNotMatch(file, /newproto/);
      const at = path.join(dir, file);
      if (fs.statSync(at).isFile()) assert.doesNotMatch(fs.readFileSync(at, 'latin1'), /newproto/i, file);
    }
  });

  it('makes a schema that loads, with the next free kind', () => {
    fs.mkdirSync(path.join(root, 'src/schema/core'), { recursive: true });
    fs.writeFileSync(path.join(root, 'src/schema/core/a.schema.yaml'), 'event: a\nkind: 41\n');
    fs.mkdirSync(path.join(root, 'src/schema/released'));
    fs.writeFileSync(path.join(root, 'src/schema/released/1.json'), '{"kinds":[{"kind": 42}]}');
    newProtocol('my_proto', root);
    const file = 'native/protocols/my_proto/my_proto.schema.yaml';
    const content: unknown = parse(fs.readFileSync(path.join(root, file), 'utf8'));
    const schema = buildSchema([{ path: file, content }]);
    assert.equal(schema.kinds[0]?.kind, 43);
    assert.equal(schema.protocols[0]?.name, 'my_proto');
  });

  it('makes a capture of its messages', () => {
    const dir = newProtocol('x', root);
    const texts = payloads(fs.readFileSync(path.join(dir, 'captures/ask.pcap'))).map((b: Buffer) => b.toString());
    assert.deepEqual(texts, ['\x01\x00\x03who', '\x02\x00\x03you']);
  });

  it('refuses a bad name and a folder that is there', () => {
    for (const name of ['', 'X', 'a-b', '../a', '1a', 'a_']) assert.throws(() => newProtocol(name, root), /not a/);
    newProtocol('x', root);
    assert.throws(() => newProtocol('x', root), /there already/);
  });
});
