// What has left the building does not change: old spools, old alerts and old sensors are read with it.
//
// Compared with the newest released schema, a kind may only gain fields behind the last one. Records carry no length,
// so a reader with another list would misread in silence; the number of the released schema stands in the hello frame.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENVELOPES, type Field, type Kind, type Schema, typeText } from './model.ts';

interface ReleasedField {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly cap: number;
  readonly cap_items: number;
  readonly since: number;
}
interface ReleasedKind {
  readonly kind: number;
  readonly envelope: string;
  readonly fields: readonly ReleasedField[];
}
export interface Released {
  readonly schema: number;
  readonly envelopes: Readonly<Record<string, readonly ReleasedField[]>>;
  readonly kinds: Readonly<Record<string, ReleasedKind>>;
}

const released = (f: Field): ReleasedField => ({
  id: f.id,
  name: f.name,
  type: typeText(f),
  optional: f.optional,
  cap: f.cap,
  cap_items: f.capItems,
  since: f.since,
});

export function toReleased(s: Schema, schema: number): Released {
  const kind = (k: Kind): ReleasedKind => ({ kind: k.kind, envelope: k.envelope, fields: k.own.map(released) });
  return {
    schema,
    envelopes: { none: ENVELOPES.none.map(released), flow: ENVELOPES.flow.map(released) },
    kinds: Object.fromEntries(s.kinds.map((k) => [k.name, kind(k)])),
  };
}

/** One line a field, so that a diff of two releases reads. */
export function releasedText(r: Released): string {
  const line = (f: ReleasedField): string => `      ${JSON.stringify(f)}`;
  const list = (fields: readonly ReleasedField[]): string => `[\n${fields.map(line).join(',\n')}\n    ]`;
  const envelopes = Object.entries(r.envelopes).map(([name, fields]) => `    "${name}": ${list(fields)}`);
  const kinds = Object.entries(r.kinds).map(
    ([name, k]) => `    "${name}": { "kind": ${k.kind}, "envelope": "${k.envelope}", "fields": ${list(k.fields)} }`,
  );
  const block = (name: string, rows: readonly string[]): string => `  "${name}": {\n${rows.join(',\n')}\n  }`;
  return `{\n  "schema": ${r.schema},\n${block('envelopes', envelopes)},\n${block('kinds', kinds)}\n}\n`;
}

function compareFields(at: string, old: readonly ReleasedField[], now: readonly ReleasedField[]): string[] {
  const faults: string[] = [];
  old.forEach((o, i) => {
    const n = now[i];
    if (n === undefined) faults.push(`${at}.${o.name}: removed; mark it deprecated instead`);
    else if (n.id !== o.id) faults.push(`${at}.${o.name}: id ${o.id} is now ${n.id} at its place`);
    else if (n.name !== o.name) faults.push(`${at}.${o.name}: renamed to ${n.name}`);
    else if (n.type !== o.type) faults.push(`${at}.${o.name}: type ${o.type} is now ${n.type}; append a new field`);
    else if (n.optional !== o.optional) faults.push(`${at}.${o.name}: optional changed`);
    else if (n.cap < o.cap || n.cap_items < o.cap_items) faults.push(`${at}.${o.name}: cap lowered`);
  });
  const oldIds = new Set(old.map((o) => o.id));
  for (const n of now.slice(old.length))
    if (oldIds.has(n.id)) faults.push(`${at}.${n.name}: id ${n.id} is used already`);
  return faults;
}

/** Every way in which `now` breaks a promise of `old`; empty when it keeps them. */
export function compare(old: Released, now: Released): string[] {
  const faults: string[] = [];
  for (const [name, fields] of Object.entries(old.envelopes)) {
    const same = JSON.stringify(fields) === JSON.stringify(now.envelopes[name]);
    if (!same) faults.push(`envelope ${name}: changed; it stands before every field and cannot`);
  }
  for (const [name, o] of Object.entries(old.kinds)) {
    const n = now.kinds[name];
    if (n === undefined) {
      faults.push(`${name}: removed`);
      continue;
    }
    if (n.kind !== o.kind) faults.push(`${name}: kind ${o.kind} is now ${n.kind}`);
    if (n.envelope !== o.envelope) faults.push(`${name}: envelope ${o.envelope} is now ${n.envelope}`);
    faults.push(...compareFields(name, o.fields, n.fields));
  }
  const oldKinds = new Map(Object.entries(old.kinds).map(([name, k]) => [k.kind, name]));
  for (const [name, n] of Object.entries(now.kinds)) {
    const before = oldKinds.get(n.kind);
    if (before !== undefined && before !== name) faults.push(`${name}: kind ${n.kind} belongs to ${before}`);
  }
  return faults;
}

/** All released schemas, oldest first. */
export function readReleased(root: string): Released[] {
  const dir = join(root, 'src/schema/released');
  return readdirSync(dir)
    .filter((f) => /^[0-9]+\.json$/.test(f))
    .map((f) => JSON.parse(readFileSync(join(dir, f), 'utf8')) as Released)
    .sort((a, b) => a.schema - b.schema);
}
