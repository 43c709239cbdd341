// One host makes another log in to it.
//
// The calls that make a server open a file on whatever host the caller names are few (EFSRPC, the spooler, DFS, the
// file server's snapshots). Where encrypted SMB hides them, the answer is still seen: the server's own machine account,
// by NTLM, at the host that had just come to it.
import type { DceRpcEvent, NtlmEvent } from '../../schema/gen/events.gen.ts';
import { duration, ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { DAY, dayOf, defineSignal, SECOND } from '../signal.ts';

/** Calls that take the path of a file or a listener on another host (MS-EFSR, MS-RPRN, MS-DFSNM, MS-FSRVP). */
const CALLS: Readonly<Record<string, ReadonlySet<string>>> = {
  spoolss: new Set(['RpcRemoteFindFirstPrinterChangeNotification', 'RpcRemoteFindFirstPrinterChangeNotificationEx']),
  netdfs: new Set(['NetrDfsAddStdRoot', 'NetrDfsRemoveStdRoot', 'NetrDfsAddStdRootForced']),
  FileServerVssAgent: new Set(['IsPathSupported', 'IsPathShadowCopied']),
};
const isCall = ({ endpoint, operation }: DceRpcEvent): boolean =>
  endpoint !== null &&
  operation !== null &&
  // Every call of EFSRPC that has a path follows it.
  ((endpoint.startsWith('efsrpc') && operation.startsWith('EfsRpc') && operation !== 'EfsRpcCloseRaw') ||
    CALLS[endpoint]?.has(operation) === true);

/** A host that came to another, and how. */
interface Visit {
  /** When a call was made; 0: none was seen. */
  called: number;
  operation: string;
  /** When the visitor logged in. */
  login: number;
  uid: string;
  ref: string;
  /** The visitor logged in as nobody. */
  nobody: boolean;
  toldCall: number;
  toldReturn: number;
}

const codec: Codec<Visit> = {
  pack: (v) => [v.called, v.operation, v.login, v.uid, v.ref, v.nobody, v.toldCall, v.toldReturn],
  unpack: (stored) => {
    const [called, operation, login, uid, ref, nobody, toldCall, toldReturn] = stored as never[];
    return { called, operation, login, uid, ref, nobody, toldCall, toldReturn } as unknown as Visit;
  },
};
const fresh = (): Visit => ({
  ...{ called: 0, operation: '', login: 0, uid: '', ref: '', nobody: false, toldCall: -1, toldReturn: -1 },
});

/** MS-ADTS 2.2.18.3 by habit: the account of a computer ends so. */
const isMachine = (user: string | null): boolean => user?.endsWith('$') === true;

export default defineSignal({
  id: 'forced_auth',
  version: 1,
  brief: 'One host makes another log in to it.',
  attack: ['T1187', 'T1210'],
  needs: ['dce_rpc', 'ntlm'],
  budget: { bytes: 8_000_000, holds: '16,384 pairs of hosts with the last visit' },
  settings: {
    /** The login comes within so long after the visit. */
    return_seconds: 60,
    pairs_max: 16_384,
  },
  run({ settings, keyed }) {
    const soon = settings.return_seconds * SECOND;
    const visits = keyed('visits', { max: settings.pairs_max, idle: DAY }, codec);
    const visit = (key: string, now: number) => visits.get(key, now) ?? visits.add(key, fresh(), now);

    return {
      on: {
        dce_rpc(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || !isCall(event)) return;
          const key = `${src.id}|${dst.id}`;
          const e = visit(key, obs.seen);
          Object.assign(e.value, { called: obs.seen, operation: event.operation, uid: event.uid, ref: obs.ref });
          visits.touch(e, obs.seen);
          if (e.value.toldCall === dayOf(obs.seen)) return;
          e.value.toldCall = dayOf(obs.seen);
          const isNobody = e.value.nobody;
          emit({
            ...ofFlow(obs),
            // Clients of a print server ask it to tell them of changes, which is the same call.
            score: isNobody ? 0.8 : event.endpoint === 'spoolss' ? 0.4 : 0.6,
            key,
            // Without a name the call is the flaw itself (CVE-2021-36942): it should have been refused.
            attack: isNobody ? ['T1187', 'T1210'] : ['T1187'],
            features: { nobody: isNobody ? 1 : 0, returned: 0 },
            explanation:
              `Called ${event.endpoint}::${event.operation} at ${event.resp_h}, which makes it log in to a host that the ` +
              `caller names${isNobody ? '; the caller had logged in as nobody' : ''}.`,
          });
        },
        ntlm(obs, event: NtlmEvent, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || src.id === dst.id) return;
          if (isMachine(event.username)) {
            const e = visits.get(`${dst.id}|${src.id}`, obs.seen);
            if (e !== undefined) {
              const v = e.value;
              const since = obs.seen - Math.max(v.called, v.login);
              if (since > soon || v.toldReturn === dayOf(obs.seen)) return;
              const wasCalled = obs.seen - v.called <= soon;
              v.toldReturn = dayOf(obs.seen);
              visits.touch(e, obs.seen);
              emit({
                ...ofFlow(obs),
                score: wasCalled ? 0.9 : 0.6,
                key: `${dst.id}|${src.id}|return`,
                // About who made it: the host that is logged in to.
                ...{ src: dst, srcIp: event.resp_h, dst: src, dstIp: event.orig_h, dstPort: null },
                count: 2,
                user: event.username,
                uids: [v.uid, event.uid],
                refs: [v.ref, obs.ref],
                attack: ['T1187'],
                features: { nobody: v.nobody ? 1 : 0, returned: 1, after_s: since / 1e6, called: wasCalled ? 1 : 0 },
                explanation:
                  `${duration(since)} after ${event.resp_h} had come to it${wasCalled ? ` with ${v.operation}` : ''}, ` +
                  `${event.orig_h} logged in there with its machine account ${event.username}.`,
              });
              return;
            }
          }
          // Machines visit each other all day; who comes as a user, or as nobody, may be the one who calls.
          if (isMachine(event.username) || event.success === false) return;
          const e = visit(`${src.id}|${dst.id}`, obs.seen);
          Object.assign(e.value, { login: obs.seen, nobody: event.response === 'anonymous' });
          if (e.value.called === 0) Object.assign(e.value, { uid: event.uid, ref: obs.ref });
          visits.touch(e, obs.seen);
        },
      },
    };
  },
});
