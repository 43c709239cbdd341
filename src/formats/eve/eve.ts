// Suricata's EVE: one JSON object a line, with Suricata 7's names and types, so that what reads eve.json reads this.
// README.md has every field, and what differs.
//
// Times are packet times, written in UTC. flow_id is made from the uid: the same for every line of a flow, in every
// run.
import { createHash } from 'node:crypto';
import { showableJson } from '../../lib/json_text.ts';
import { roundSeconds } from '../../lib/numbers.ts';
import type { TextOutput } from '../../lib/output.ts';
import type { CatenaryEvent, KindName } from '../../schema/gen/events.gen.ts';
import { communityId } from '../community_id.ts';
import { Memory } from './memory.ts';
import { ICMP, ICMP6, protoName } from './names.ts';
import type { Ends, EveKind, EveRecord } from './record.ts';
import { RECORDS } from './records.ts';
import { stamp } from './time.ts';

/** The kinds that have lines, or that add to those of others. */
export const EVE_KINDS: readonly KindName[] = RECORDS.map((r) => r.kind);

const KINDS = new Map<KindName, EveKind>(RECORDS.map((r) => [r.kind, r]));

/** 51 bits, as Suricata's: a double holds them. */
export function flowId(uid: string): number {
  const hash = createHash('sha1').update(uid).digest();
  return hash.readUIntBE(0, 6) * 8 + (hash.readUInt8(6) >> 5);
}

type Values = Record<string, unknown>;

/** What has a value; undefined where nothing has. */
function known(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? roundSeconds(value) : undefined;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = value.map(known).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  const out: Values = {};
  let has = false;
  for (const [key, item] of Object.entries(value)) {
    const is = known(item);
    if (is === undefined) continue;
    out[key] = is;
    has = true;
  }
  return has ? out : undefined;
}

function tuple(ends: Ends, fromResponder: boolean): Values {
  const { proto } = ends;
  const isIcmp = proto === ICMP || proto === ICMP6;
  const port = (p: number | null): number | null => (isIcmp ? null : p);
  const [src_ip, src_port, dest_ip, dest_port] = fromResponder
    ? [ends.resp_h, port(ends.resp_p), ends.orig_h, port(ends.orig_p)]
    : [ends.orig_h, port(ends.orig_p), ends.resp_h, port(ends.resp_p)];
  return {
    ...{ src_ip, src_port, dest_ip, dest_port, proto: proto === null ? null : protoName(proto) },
    ...(isIcmp ? { icmp_type: ends.orig_p, icmp_code: ends.resp_p } : {}),
  };
}

function community({ orig_h, orig_p, resp_h, resp_p, proto }: Ends): string | undefined {
  if (orig_h === null || orig_p === null || resp_h === null || resp_p === null || proto === null) return undefined;
  return communityId({ orig_h, orig_p, resp_h, resp_p, proto });
}

/** A line without its newline. Backslashes of the traffic, doubled in our records, are single again in it. */
export function eveLine(r: EveRecord, inIface: string | null): string {
  const { ends } = r;
  const line = known({
    timestamp: stamp(r.time),
    flow_id: ends === null || ends.uid === null ? null : flowId(ends.uid),
    parent_id: r.parent === null ? null : flowId(r.parent),
    in_iface: inIface,
    event_type: r.type,
    vlan: ends === null ? null : [ends.vlan, r.innerVlan],
    ...(ends === null ? {} : tuple(ends, r.fromResponder)),
    community_id: ends === null ? null : community(ends),
    ...r.body,
  });
  const text = JSON.stringify(line);
  // An escaped backslash is two: a doubled one is four, which begin where an escape begins.
  const single = text.includes('\\\\\\\\') ? text.replaceAll('\\\\\\\\', '\\\\') : text;
  return showableJson(single);
}

/** All events in one stream. */
export class EveWriter {
  private readonly output: TextOutput;
  private readonly inIface: string | null;
  private readonly memory = new Memory();

  /** @param inIface  the interface that is read, where it is one */
  constructor(output: TextOutput, inIface: string | null) {
    this.output = output;
    this.inIface = inIface;
  }

  write(kind: KindName, event: CatenaryEvent): void {
    const records = KINDS.get(kind)?.lines(event, this.memory) ?? [];
    for (const r of records) this.output.write(`${eveLine(r, this.inIface)}\n`);
  }
}
