// What a record of a flow gives to whatever is said about it: who, whom, when, and the record itself.
import type { FlowEnvelope, KindName } from '../schema/gen/events.gen.ts';
import type { HostRef, Observation } from '../schema/observation.ts';
import { type Draft, SECOND } from './signal.ts';

type FromFlow = Pick<Draft, 'phase' | 'first' | 'last' | 'count' | 'uids' | 'refs' | 'inputs'> &
  Pick<Draft, 'src' | 'srcIp' | 'dst' | 'dstIp' | 'dstPort'>;

/** The originator about the responder, told once. A signal overrides what it knows better. */
export function ofFlow(obs: Observation): FromFlow {
  const event = obs.event as unknown as FlowEnvelope;
  return {
    phase: 'once',
    first: event.ts,
    last: event.ts,
    count: 1,
    src: obs.hosts.orig_host,
    srcIp: event.orig_h,
    dst: obs.hosts.resp_host,
    dstIp: event.resp_h,
    dstPort: event.resp_p,
    uids: [event.uid],
    refs: [obs.ref],
    inputs: [obs.hash],
  };
}

/** The receiver of a file about who sent it, told once. */
export function ofFile(obs: Observation<'file'>): FromFlow & Pick<Draft, 'sha256'> {
  const { event, hosts } = obs;
  return {
    ...ofFlow(obs),
    last: event.seen,
    ...{ src: hosts.rx_host, srcIp: event.rx_host, dst: hosts.tx_host, dstIp: event.tx_host },
    dstPort: event.is_orig ? event.orig_p : event.resp_p,
    sha256: event.sha256,
  };
}

/** The local host whose flow leaves the local networks, if it does. */
export function outward<K extends KindName>(obs: Observation<K>): HostRef | undefined {
  const { orig_host, resp_host } = obs.hosts;
  if (orig_host === undefined || !orig_host.local || resp_host === undefined || resp_host.local) return undefined;
  return isGroup((obs.event as unknown as FlowEnvelope).resp_h) ? undefined : orig_host;
}

/** Multicast, broadcast and link-local destinations: what is said to them leaves no network. */
export function isGroup(address: string): boolean {
  if (/^(?:22[4-9]|23\d|255)\./.test(address)) return true;
  return address.startsWith('ff') || address.startsWith('fe80:') || address.startsWith('169.254.');
}

/** A time for people [us]: "90 s", "12 min", "5 h", "3 days". */
export function duration(us: number): string {
  const s = us / SECOND;
  if (s < 120) return `${Number(s.toPrecision(3))} s`;
  if (s < 7200) return `${Number((s / 60).toPrecision(3))} min`;
  return s < 172_800 ? `${Number((s / 3600).toPrecision(3))} h` : `${Number((s / 86_400).toPrecision(3))} days`;
}

/** Bytes for people: "640 bytes", "12 kB", "3.4 GB". */
export function size(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let n = bytes;
  let unit = 'bytes';
  for (const next of units) {
    if (n < 1000) break;
    n /= 1000;
    unit = next;
  }
  return `${Number(n.toPrecision(3))} ${unit}`;
}

/** What `names` has of `name`, or of a name that it is below. Cost: the labels of `name`. */
export function ofBelow<T>(name: string, names: ReadonlyMap<string, T>): T | undefined {
  for (let at = 0; ; ) {
    const found = names.get(at === 0 ? name : name.slice(at));
    if (found !== undefined) return found;
    const dot = name.indexOf('.', at);
    if (dot < 0) return undefined;
    at = dot + 1;
  }
}

/** `name` is one of the names, or below one of them: a.b.example is below b.example. */
export function isBelow(name: string, names: ReadonlySet<string>): boolean {
  for (let at = 0; ; ) {
    if (names.has(at === 0 ? name : name.slice(at))) return true;
    const dot = name.indexOf('.', at);
    if (dot < 0) return false;
    at = dot + 1;
  }
}

/**
 * States of a flow whose first packet got no answer or a refusal (Zeek's conn_state): what knocking looks like. SH and
 * the states that begin with the responder are left out: a tap that hears one direction makes them of everything.
 */
const UNANSWERED: ReadonlySet<string> = new Set(['S0', 'REJ', 'RSTOS0']);

/** A TCP flow that came to nothing, or a datagram or two without an answer. */
export function isKnock(event: {
  readonly proto: number;
  readonly conn_state: string;
  readonly orig_bytes: number | null;
  readonly resp_bytes: number | null;
  readonly orig_pkts: number;
  readonly resp_pkts: number;
}): boolean {
  if (event.proto === 6) {
    if (event.orig_bytes || event.resp_bytes) return false;
    // A full handshake and a reset: what connect() scans leave of an open port.
    return UNANSWERED.has(event.conn_state) || event.conn_state === 'RSTO' || event.conn_state === 'RSTR';
  }
  return event.resp_pkts === 0 && event.orig_pkts <= 2;
}
