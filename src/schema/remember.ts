// What long memory keeps of a record: the one mapping that a sensor, a replay and a chain's cases share.
//
// Memory is touched before anything looks at the record, so "first seen" of a name is never later than the record
// that brought it. Names are kept in lower case and without the final dot: the resolver's spelling and the
// handshake's are one key.
import type { DnsEvent, FileEvent, FlowEnvelope, HttpEvent, TlsEvent } from './gen/events.gen.ts';
import type { Memory, Observation } from './observation.ts';

/** RFC 1035 2.3.4: no name is longer. What is longer in a record is no name. */
const NAME_MAX = 253;
const USER_AGENT_MAX = 256;

function touchName(memory: Memory, obs: Observation, text: string | null): void {
  const host = obs.hosts.orig_host;
  if (text === null || host === undefined || !host.local) return;
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name === '' || name.length > NAME_MAX) return;
  memory.touch('domain', name.toLowerCase(), obs.seen, host.id);
}

function touchAddress(memory: Memory, obs: Observation): void {
  const { orig_host, resp_host } = obs.hosts;
  if (orig_host === undefined || resp_host?.local === true) return;
  memory.touch('addr', (obs.event as FlowEnvelope).resp_h, obs.seen, orig_host.id);
}

/**
 * Touches what `obs` names. Domains are those that a local host asked for or spoke to: what a visitor of our own server
 * says is no contact of ours. A file counts for whoever received it.
 */
export function remember(memory: Memory, obs: Observation): void {
  switch (obs.kind) {
    case 'conn':
    case 'conn_update':
      touchAddress(memory, obs);
      break;
    case 'dns':
      touchName(memory, obs, (obs.event as DnsEvent).query);
      break;
    case 'tls': {
      const event = obs.event as TlsEvent;
      touchName(memory, obs, event.server_name);
      if (event.ja4 !== null && event.ja4 !== '') memory.touch('ja4', event.ja4, obs.seen, obs.hosts.orig_host?.id);
      break;
    }
    case 'http': {
      const event = obs.event as HttpEvent;
      touchName(memory, obs, event.host);
      if (event.user_agent !== null && event.user_agent !== '')
        memory.touch('user_agent', event.user_agent.slice(0, USER_AGENT_MAX), obs.seen, obs.hosts.orig_host?.id);
      break;
    }
    case 'file': {
      const { sha256 } = obs.event as FileEvent;
      if (sha256 !== null && sha256 !== '') memory.touch('file', sha256, obs.seen, obs.hosts.rx_host?.id);
      break;
    }
  }
}
