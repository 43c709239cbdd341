// Makes everything that is generated from *.schema.yaml.
//
//   node --import tsx src/schema/gen.ts             write what changed
//   node --import tsx src/schema/gen.ts --check     write nothing; exit 1 when something is stale
//   node --import tsx src/schema/gen.ts --release   also write released/<n>.json as the schema is now
//
// The outputs are committed. A file is replaced by rename, so that a build running beside it never reads half of one.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compare, readReleased, releasedText, toReleased } from './compat.ts';
import {
  headerPath,
  kindHeader,
  kindsHeader,
  protocolsHeader,
  protocolsSource,
  samplesHeader,
  schemaHeader,
  schemaSource,
  weirdsHeader,
} from './emit_cpp.ts';
import { reference } from './emit_docs.ts';
import { tablesTs } from './emit_sql.ts';
import { eventsTs, structuresTs } from './emit_ts.ts';
import { loadSchema, SchemaError } from './load.ts';
import type { Schema } from './model.ts';
import { encodeFields } from './record.ts';

/** Path, relative to the repository, and content of every generated file. */
export function outputs(s: Schema, root: string): Map<string, string> {
  const encode = (name: string, event: Record<string, unknown>): Uint8Array =>
    encodeFields(s.kinds.find((k) => k.name === name)?.fields ?? [], event);
  const files = new Map<string, string>();
  for (const k of s.kinds) files.set(headerPath(k), kindHeader(k));
  files.set('native/event/gen/kinds.gen.h', kindsHeader(s));
  files.set('native/event/gen/weirds.gen.h', weirdsHeader(s));
  files.set('native/event/gen/schema.gen.h', schemaHeader());
  files.set('native/event/gen/schema.gen.cc', schemaSource(s));
  files.set('native/event/gen/samples.gen.h', samplesHeader(s, encode));
  files.set('native/protocols/protocols.gen.h', protocolsHeader());
  files.set(
    'native/protocols/protocols.gen.cc',
    protocolsSource(s, (path) => existsSync(join(root, path))),
  );
  files.set('src/schema/gen/events.gen.ts', eventsTs(s));
  files.set('src/schema/gen/structures.gen.ts', structuresTs(s));
  files.set('src/schema/gen/tables.gen.ts', tablesTs(s));
  files.set('src/schema/gen/REFERENCE.gen.md', reference(s));
  return files;
}

function writeIfChanged(path: string, content: string): boolean {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return false;
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, content);
  renameSync(partial, path);
  return true;
}

function main(root: string, args: readonly string[]): number {
  const unknown = args.find((a) => a !== '--check' && a !== '--release');
  if (unknown !== undefined) {
    console.error(`gen: unknown option ${unknown}`);
    return 2;
  }
  const schema = loadSchema(root);
  const newest = readReleased(root).at(-1);
  const faults = newest ? compare(newest, toReleased(schema, newest.schema)) : [];
  if (faults.length > 0) {
    for (const fault of faults) console.error(`gen: against released/${newest?.schema}.json: ${fault}`);
    return 1;
  }
  const files = outputs(schema, root);
  if (args.includes('--check')) {
    const stale = [...files].filter(
      ([path, content]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== content,
    );
    for (const [path] of stale) console.error(`gen: stale: ${path}`);
    return stale.length > 0 ? 1 : 0;
  }
  if (args.includes('--release')) {
    // Nothing new is no release.
    const next = (newest?.schema ?? 0) + 1;
    const text = releasedText(toReleased(schema, next));
    if (!newest || releasedText(toReleased(schema, newest.schema)) !== releasedText(newest))
      files.set(`src/schema/released/${next}.json`, text);
  }
  for (const [path, content] of files) if (writeIfChanged(join(root, path), content)) console.log(`gen: ${path}`);
  return 0;
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
  try {
    process.exitCode = main(root, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    console.error(`gen: ${error.message}`);
    process.exitCode = 1;
  }
}
