// Somebody who is no domain controller takes part in the replication of the directory.
//
// Roles are learned from Netlogon (MS-NRPC 3.1.4): machines call it at a controller, and only controllers answer. Who
// calls for changes and never answered it is not one of them; who is called by a controller as if he were one, and
// is himself a caller, was registered as one for a moment.

import type { HostRef, Observation } from '../../schema/observation.ts';
import { ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { DAY, dayOf, defineSignal, type Emit, HOUR } from '../signal.ts';

/** MS-DRSR 4.1: what replicates, and what makes another controller. */
const TAKES = new Set(['DRSGetNCChanges', 'DRSReplicaAdd', 'DRSAddEntry', 'DRSAddSidHistory', 'DRSReplicaSync']);
/** Logging in for somebody else, and the channel for it: every member does. */
const MEMBERS = /^Netr(?:LogonSamLogon|ServerAuthenticate|ServerReqChallenge|LogonGetDomainInfo)/;

interface Role {
  /** Answered Netlogon. */
  controller: boolean;
  /** Called it. */
  member: boolean;
  /** When a replication call came to it, from whom, and where that stands; 0: never. */
  asked: number;
  by: string;
  byId: string;
  uid: string;
  ref: string;
  told: number;
}
const codec: Codec<Role> = {
  pack: (r) => [r.controller, r.member, r.asked, r.by, r.byId, r.uid, r.ref, r.told],
  unpack: (stored) => {
    const [controller, member, asked, by, byId, uid, ref, told] = stored as never[];
    return { controller, member, asked, by, byId, uid, ref, told } as unknown as Role;
  },
};
const fresh = (): Role => ({
  ...{ controller: false, member: false, asked: 0, by: '', byId: '', uid: '', ref: '', told: -1 },
});

export default defineSignal({
  id: 'directory_replication',
  version: 1,
  brief: 'A host that is no domain controller takes part in the replication of the directory.',
  attack: ['T1003.006', 'T1207'],
  needs: ['dce_rpc'],
  budget: { bytes: 6_000_000, holds: '16,384 hosts with what they are in the domain' },
  settings: {
    /** Controllers that call nobody's Netlogon: addresses. */
    controllers: [] as readonly string[],
    /** How far apart a call to a host and the proof that it is a member may be. */
    window_hours: 24,
    hosts_max: 16_384,
  },
  run({ settings, keyed }) {
    const roles = keyed('roles', { max: settings.hosts_max, idle: 60 * DAY }, codec);
    const known = new Set(settings.controllers);
    const roleOf = (host: HostRef, now: number) => roles.get(host.id, now) ?? roles.add(host.id, fresh(), now);

    /** A member was asked for what only controllers have. */
    const rogue = (obs: Observation<'dce_rpc'>, host: HostRef, ip: string, emit: Emit): void => {
      const e = roleOf(host, obs.seen);
      const r = e.value;
      if (r.asked === 0 || !r.member || r.controller || r.told === dayOf(obs.seen)) return;
      if (obs.seen - r.asked > settings.window_hours * HOUR || known.has(ip)) return;
      r.told = dayOf(obs.seen);
      roles.touch(e, obs.seen);
      emit({
        ...ofFlow(obs),
        score: 0.7,
        key: `rogue|${host.id}`,
        ...{ src: host, srcIp: ip, dst: undefined, dstIp: r.by, dstPort: null },
        first: r.asked,
        uids: [r.uid, obs.event.uid],
        refs: [r.ref, obs.ref],
        attack: ['T1207', 'T1003.006'],
        features: { member: 1, controller: 0, asked: 1 },
        explanation:
          `${r.by} called the replication of the directory at ${ip}, a member of the domain that asks others to log ` +
          'users in: it acts as a controller.',
      });
    };

    return {
      on: {
        dce_rpc(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || event.operation === null || src.id === dst.id) return;
          if (event.endpoint === 'netlogon') {
            if (!MEMBERS.test(event.operation)) return;
            const server = roleOf(dst, obs.seen);
            const client = roleOf(src, obs.seen);
            const isNew = !server.value.controller || !client.value.member;
            server.value.controller = true;
            client.value.member = true;
            if (isNew) {
              roles.touch(server, obs.seen);
              roles.touch(client, obs.seen);
            }
            rogue(obs, src, event.orig_h, emit);
            return;
          }
          if (event.endpoint !== 'drsuapi') return;
          const server = roleOf(dst, obs.seen);
          if (!server.value.controller) {
            Object.assign(server.value, {
              asked: obs.seen,
              by: event.orig_h,
              byId: src.id,
              uid: event.uid,
              ref: obs.ref,
            });
            roles.touch(server, obs.seen);
            rogue(obs, dst, event.resp_h, emit);
          }
          if (!TAKES.has(event.operation) || known.has(event.orig_h)) return;
          const client = roleOf(src, obs.seen);
          if (client.value.controller || client.value.told === dayOf(obs.seen)) return;
          client.value.told = dayOf(obs.seen);
          roles.touch(client, obs.seen);
          emit({
            ...ofFlow(obs),
            score: client.value.member ? 0.8 : 0.6,
            key: `takes|${src.id}`,
            attack: event.operation === 'DRSGetNCChanges' ? ['T1003.006'] : ['T1207', 'T1003.006'],
            features: { member: client.value.member ? 1 : 0, controller: 0, asked: 0 },
            explanation:
              `Called ${event.operation} at ${event.resp_h}, which gives out the directory with its secrets, and was never ` +
              `seen to be a domain controller${client.value.member ? ' but a member' : ''}.`,
          });
        },
      },
    };
  },
});
