// Random events of every kind for property tests: whatever a record can hold. Named .test.ts so that it never ships.
import fc from 'fast-check';
import type { EventOf, KindName } from './gen/events.gen.ts';
import { FIELDS, type FieldMeta } from './gen/structures.gen.ts';
import { ipText } from './ip.ts';

const BASE62 = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
// 64 is the one small integer with a form of its own; powers of two are where forms change.
const EDGES = [0, 1, 31, 32, 63, 64, 65, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296];

function integer(min: number, max: number): fc.Arbitrary<number> {
  const edges = EDGES.flatMap((v) => [v, -v - 1]).filter((v) => v >= min && v <= max);
  return fc.oneof(
    fc.constantFrom(...edges, min, max),
    fc.maxSafeInteger().map((v) => Math.abs(v) % max),
  );
}

// Texts as records hold them: escapes whole, never longer than the cap.
function text(cap: number): fc.Arbitrary<string> {
  const unit = fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 12 }) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom('\\\\', '\\xff', '\\x00', 'a'.repeat(40)) },
  );
  const plain = (s: string): string => (/^\\(\\|x[0-9a-f]{2})$/.test(s) ? s : s.replaceAll('\\', '/'));
  return fc.array(unit, { maxLength: 8 }).map((units) => {
    let out = '';
    for (const u of units.map(plain)) if (Buffer.byteLength(out + u) <= cap) out += u;
    return out;
  });
}

function item(f: FieldMeta): fc.Arbitrary<unknown> {
  switch (f.type) {
    case 'text':
      return text(f.cap);
    case 'uid':
      return fc
        .array(fc.constantFrom(...BASE62), { minLength: 10, maxLength: 10 })
        .map((digits) => `C0${digits.join('')}`);
    case 'mac':
      return fc
        .uint8Array({ minLength: 6, maxLength: 6 })
        .map((b) => [...b].map((x) => x.toString(16).padStart(2, '0')).join(':'));
    case 'ip':
      return fc
        .oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }).map((b) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...b]),
          fc.array(fc.constantFrom(0, 0, 1, 0xff, 0x20), { minLength: 16, maxLength: 16 }),
        )
        .map((b) => ipText(Uint8Array.from(b)));
    case 'bool':
      return fc.boolean();
    case 'duration':
    case 'f64':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'u8':
      return integer(0, 0xff);
    case 'u16':
      return integer(0, 0xffff);
    case 'u32':
      return integer(0, 0xffffffff);
    case 'i32':
      return integer(-0x80000000, 0x7fffffff);
    case 'i64':
      return integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    default:
      return integer(0, Number.MAX_SAFE_INTEGER);
  }
}

/** Events of a kind that encode without a cut. */
export function anyEvent(kind: KindName): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const f of FIELDS[kind]) {
    if (f.name === 'cut') model[f.name] = fc.constant(false);
    else if (f.list) model[f.name] = fc.array(item(f), { maxLength: Math.min(f.capItems, 20) });
    else model[f.name] = f.optional ? fc.option(item(f), { nil: null }) : item(f);
  }
  return fc.record(model, { noNullPrototype: true });
}

/** The emptiest event of a kind there is: every optional field unset, whatever fields the schema has by now. */
export function emptyEvent<K extends KindName>(kind: K): EventOf[K] {
  const zero = (f: FieldMeta): unknown => {
    if (f.list) return [];
    if (f.optional) return null;
    if (f.type === 'bool') return false;
    if (f.type === 'ip') return '::';
    if (f.type === 'uid') return 'C00000000000';
    if (f.type === 'mac') return '00:00:00:00:00:00';
    return f.type === 'text' ? '' : 0;
  };
  return Object.fromEntries(FIELDS[kind].map((f) => [f.name, zero(f)])) as unknown as EventOf[K];
}
