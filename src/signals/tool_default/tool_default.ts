// A host speaks to a remote control tool whose owner left its defaults as they were: defaults.ts has the list.

import type { Observation } from '../../schema/observation.ts';
import { onceADay } from '../daily.ts';
import { ofFlow } from '../flow.ts';
import { publicName } from '../names.ts';
import { defineSignal, type Emit } from '../signal.ts';
import { type Default, ofCertificate, ofRequest } from './defaults.ts';

export default defineSignal({
  id: 'tool_default',
  version: 1,
  brief: 'A host speaks to a remote control tool that was left as it came.',
  attack: ['T1071', 'T1071.001', 'T1573.002', 'T1105'],
  needs: ['http', 'x509'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of hosts and tools, with the day they were last told' },
  settings: { pairs_max: 16_384 },
  run({ settings, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    const say = (
      obs: Observation<'http'> | Observation<'x509'>,
      found: Default,
      name: string | null,
      emit: Emit,
    ): void => {
      const { orig_host: src, resp_host: dst } = obs.hosts;
      if (src === undefined || dst === undefined) return;
      const key = `${src.id}|${dst.id}|${found.tool}`;
      if (!isNewToday(key, obs.seen)) return;
      emit({
        ...ofFlow(obs),
        score: found.score,
        key,
        dstName: name,
        attack: found.attack,
        features: { from_inside: src.local ? 1 : 0 },
        explanation: `What ${obs.event.orig_h} exchanged with ${obs.event.resp_h}:${obs.event.resp_p} has ${found.what}, as ${found.tool} comes by default.`,
      });
    };
    return {
      on: {
        http(obs, event, emit) {
          const found = ofRequest(event);
          if (found !== undefined) say(obs, found, publicName(event.host) ?? null, emit);
        },
        x509(obs, event, emit) {
          if (event.client_cert || !event.host_cert) return;
          const found = ofCertificate(event.certificate_subject);
          if (found !== undefined) say(obs, found, null, emit);
        },
      },
    };
  },
});
