// The name a host asks for or speaks to, whichever protocol says it.
import type { HostRef, Observation } from '../schema/observation.ts';
import { ofFlow } from './flow.ts';
import { publicName } from './names.ts';
import type { Draft, Emit, Handlers } from './signal.ts';

type Naming = Observation<'dns'> | Observation<'tls'> | Observation<'http'>;

export interface Contact {
  readonly obs: Naming;
  readonly src: HostRef;
  readonly name: string;
  /** The draft's part that the record gives; the other end of a lookup is a resolver, not what the name stands for. */
  draft(): ReturnType<typeof ofFlow> & Pick<Draft, 'dstName'>;
}

function draft(this: Contact): ReturnType<Contact['draft']> {
  const made = { ...ofFlow(this.obs), dstName: this.name };
  return this.obs.kind === 'dns' ? { ...made, dst: undefined, dstIp: null, dstPort: null } : made;
}

/** Handlers that hear of each name of the outside world that a local host asks for or speaks to. */
export function onContacts(look: (contact: Contact, emit: Emit) => void): Handlers<'dns' | 'tls' | 'http'> {
  const hear = (obs: Naming, text: string | null, emit: Emit): void => {
    const src = obs.hosts.orig_host;
    if (src === undefined || !src.local) return;
    const name = publicName(text);
    if (name !== undefined) look({ obs, src, name, draft }, emit);
  };
  return {
    dns: (obs, event, emit) => hear(obs, event.query, emit),
    tls: (obs, event, emit) => hear(obs, event.server_name, emit),
    http: (obs, event, emit) => hear(obs, event.host, emit),
  };
}
