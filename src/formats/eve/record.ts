// What an EVE line is made of: each event type is one file in records/, which says how an event of ours becomes lines.
import type { CatenaryEvent, EventOf, KindName } from '../../schema/gen/events.gen.ts';
import type { Memory } from './memory.ts';

/** Part of a line. What has no value (null, a list or section with nothing in it) is left out when it is written. */
export type Section = Readonly<Record<string, unknown>>;

/** Whose line it is. What is not known is null; ICMP has type and code for ports, as our events have. */
export interface Ends {
  readonly uid: string | null;
  readonly orig_h: string | null;
  readonly orig_p: number | null;
  readonly resp_h: string | null;
  readonly resp_p: number | null;
  readonly proto: number | null;
  readonly vlan: number | null;
}

export interface EveRecord {
  readonly type: string;
  /** Packet time, in microseconds since the epoch. */
  readonly time: number;
  /** Nobody's, for what is of no flow. */
  readonly ends: Ends | null;
  /** The responder sent it: it is the source. */
  readonly fromResponder: boolean;
  /** More than one VLAN, and the flow around this one. */
  readonly innerVlan: number | null;
  readonly parent: string | null;
  readonly body: Section;
}

/** A line for an event of a flow; what is given replaces what the event says. */
export function record(
  type: string,
  event: Ends & { ts: number },
  body: Section,
  given: Partial<EveRecord> = {},
): EveRecord {
  const rest = { time: event.ts, ends: event, fromResponder: false, innerVlan: null, parent: null };
  return { type, ...rest, body, ...given };
}

export interface EveKind {
  readonly kind: KindName;
  readonly lines: (event: CatenaryEvent, memory: Memory) => readonly EveRecord[];
}

export function defineKind<K extends KindName>(
  kind: K,
  lines: (event: EventOf[K], memory: Memory) => readonly EveRecord[],
): EveKind {
  return { kind, lines: lines as EveKind['lines'] };
}
