// Events as JSON, one object a line, nothing else on the line:
//
//   {"kind":"dns","ts":1700000000.000001,"seen":1700000001.250001,"cut":false,"uid":"C0000000000Z",...}
//
// `kind` first, then the schema's fields in the schema's order and with its names. A field that has no value is left
// out; a list without items is []. Times are seconds since the epoch with six decimals, durations seconds. A conn has
// its community_id besides. Texts are as the record has them, which can be undone: a byte that was no UTF-8 is \xNN, a
// backslash of the traffic is \\ (and JSON doubles each of these backslashes once more).
import { jsonText } from '../../lib/json_text.ts';
import { doubleJson, roundSeconds, secondsText } from '../../lib/numbers.ts';
import type { TextOutput } from '../../lib/output.ts';
import type { CatenaryEvent, ConnEvent, KindName } from '../../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../../schema/gen/structures.gen.ts';
import { communityId } from '../community_id.ts';

type Line = (event: CatenaryEvent) => string;

const jsonDuration = (n: number): string => doubleJson(roundSeconds(n));

const WRITERS = { text: jsonText, time: secondsText, duration: jsonDuration, double: doubleJson };

function valueCode(f: FieldMeta, value: string): string {
  switch (f.type) {
    case 'time':
      return `w.time(${value})`;
    case 'duration':
      return `w.duration(${value})`;
    case 'f64':
      return `w.double(${value})`;
    case 'text':
      return `w.text(${value})`;
    // Their alphabets need no escaping.
    case 'ip':
    case 'uid':
    case 'mac':
      return `'"' + ${value} + '"'`;
    default:
      return value;
  }
}

// Straight-line code for each kind, as the decoder has it: only the schema's names and types become code.
function compile(kind: KindName): Line {
  const code = [`let s = '{"kind":"${kind}"';`];
  for (const f of FIELDS[kind]) {
    const key = `',"${f.name}":'`;
    if (f.list) {
      code.push(`s += ${key} + '[';`);
      code.push(
        `for (let i = 0; i < e.${f.name}.length; i++) s += (i > 0 ? ',' : '') + ${valueCode(f, `e.${f.name}[i]`)};`,
      );
      code.push(`s += ']';`);
    } else code.push(`${f.optional ? `if (e.${f.name} !== null) ` : ''}s += ${key} + ${valueCode(f, `e.${f.name}`)};`);
  }
  const make = new Function('w', `'use strict';\nreturn (e) => {\n${code.join('\n')}\nreturn s;\n};`);
  return make(WRITERS) as Line;
}

const lines = new Map<KindName, Line>();

/** The event's line, without its newline. */
export function jsonLine(kind: KindName, event: CatenaryEvent): string {
  let line = lines.get(kind);
  if (line === undefined) {
    line = compile(kind);
    lines.set(kind, line);
  }
  const text = line(event);
  const id = kind === 'conn' ? communityId(event as ConnEvent) : undefined;
  return id === undefined ? `${text}}` : `${text},"community_id":"${id}"}`;
}

/** All kinds in one stream, or each in its own: `outputFor` decides, and owns what it hands out. */
export class JsonWriter {
  private readonly outputFor: (kind: KindName) => TextOutput;

  constructor(outputFor: (kind: KindName) => TextOutput) {
    this.outputFor = outputFor;
  }

  write(kind: KindName, event: CatenaryEvent): void {
    this.outputFor(kind).write(`${jsonLine(kind, event)}\n`);
  }
}
