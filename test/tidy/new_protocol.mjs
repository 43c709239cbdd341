// Makes native/protocols/<name>/ from the template, with the next free kind number and a small capture.
//
//   node test/tidy/new_protocol.mjs NAME [--root DIR]      (make new-protocol NAME=x)
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { tcpCapture } from '../pcap.mjs';

const TEMPLATE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'templates/protocol');
const ROOT = path.resolve(TEMPLATE, '../../../..');

/** Every schema file below a folder. */
function schemaFiles(dir) {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir, { recursive: true })
    .map((f) => path.join(dir, f.toString()))
    .filter((f) => f.endsWith('.schema.yaml'));
}

/** The lowest kind number above all that any schema, present or released, has used. */
function nextKind(root) {
  const files = [...schemaFiles(path.join(root, 'native')), ...schemaFiles(path.join(root, 'src/schema/core'))];
  const used = files.map((f) => Number(/^kind: (\d+)/m.exec(fs.readFileSync(f, 'utf8'))?.[1] ?? 0));
  const released = path.join(root, 'src/schema/released');
  for (const f of fs.existsSync(released) ? fs.readdirSync(released).filter((n) => n.endsWith('.json')) : []) {
    for (const m of fs.readFileSync(path.join(released, f), 'utf8').matchAll(/"kind":\s*(\d+)/g))
      used.push(Number(m[1]));
  }
  return Math.max(0, ...used) + 1;
}

/** Makes the folder and returns its path. */
export function newProtocol(name, root) {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name))
    throw new Error(`not a protocol's name: '${name}' (use a-z, 0-9, _)`);
  const dir = path.join(root, 'native/protocols', name);
  if (fs.existsSync(dir)) throw new Error(`${dir} is there already`);
  const kind = nextKind(root);
  const pascal = name.replace(/(?:^|_)([a-z0-9])/g, (_, c) => c.toUpperCase());
  for (const file of fs.readdirSync(TEMPLATE, { recursive: true }).map(String)) {
    const from = path.join(TEMPLATE, file);
    if (fs.statSync(from).isDirectory()) continue;
    const to = path.join(dir, file.replaceAll('newproto', name));
    const text = fs.readFileSync(from, 'utf8');
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.writeFileSync(
      to,
      text
        .replaceAll('newproto', name)
        .replaceAll('Newproto', pascal)
        .replace(/^kind: 0$/m, `kind: ${kind}`),
    );
  }
  const turns = [
    { fromOrig: true, data: Buffer.from('\x01\x00\x03who') },
    { fromOrig: false, data: Buffer.from('\x02\x00\x03you') },
  ];
  fs.writeFileSync(path.join(dir, 'captures/ask.pcap'), tcpCapture(7777, turns));
  return dir;
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { root: { type: 'string' } } });
  try {
    const dir = newProtocol(positionals[0] ?? '', path.resolve(values.root ?? ROOT));
    console.log(
      `${path.relative(process.cwd(), dir)}: next: make gen test-native T=${positionals[0]}, then make it yours (CONTRIBUTING.md)`,
    );
  } catch (e) {
    console.error(`new-protocol: ${e.message}`);
    process.exitCode = 2;
  }
}
