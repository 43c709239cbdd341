// The name a host asks for or speaks to, whichever protocol says it.
import type { DnsEvent, HttpEvent, TlsEvent } from '../schema/gen/events.gen.ts';
import type { HostRef, Observation } from '../schema/observation.ts';
import { ofFlow } from './flow.ts';
import { publicName } from './names.ts';
import type { Draft } from './signal.ts';

type Naming = Observation<'dns'> | Observation<'tls'> | Observation<'http'>;

export interface Contact {
  readonly src: HostRef;
  readonly name: string;
}

/** Of a local host; undefined where no name of the outside world is said. */
export function contactOf(obs: Naming): Contact | undefined {
  const src = obs.hosts.orig_host;
  if (src === undefined || !src.local) return undefined;
  const event = obs.event as DnsEvent | TlsEvent | HttpEvent;
  const text = 'query' in event ? event.query : 'server_name' in event ? event.server_name : event.host;
  const name = publicName(text);
  return name === undefined ? undefined : { src, name };
}

/** As ofFlow(); the other end of a lookup is a resolver, and not what the name stands for. */
export function ofContact(obs: Naming, contact: Contact): Omit<Draft, 'score' | 'key' | 'features' | 'explanation'> {
  const draft = { ...ofFlow(obs), dstName: contact.name };
  return obs.kind === 'dns' ? { ...draft, dst: undefined, dstIp: null, dstPort: null } : draft;
}
