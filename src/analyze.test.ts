import assert from 'node:assert/strict';
import { contentHash, Detection, inOrder, LATENESS } from './analyze.ts';
import type { Finding } from './schema/finding.ts';
import type { CatenaryEvent, SignalEvent } from './schema/gen/events.gen.ts';
import type { Memory, Observation } from './schema/observation.ts';

const event = (seen: number, more: Record<string, unknown> = {}): CatenaryEvent =>
  ({ ts: seen, seen, orig_h: '10.0.0.1', resp_h: '192.0.2.1', query: null, ...more }) as never;

/** Stages that write down who was called with what. */
function rig(signalsFor: (obs: Observation) => SignalEvent[] = () => [], identities: CatenaryEvent[] = []) {
  const log: string[] = [];
  const memory = { touch: (space: string, key: string) => log.push(`remember ${space} ${key}`) } as unknown as Memory;
  const name = (obs: Observation): string => (obs.event as { name?: string }).name ?? '';
  const detection = new Detection({
    memory,
    entities: {
      observe: (kind) => {
        log.push(`entities ${kind}`);
        return identities;
      },
      resolve: (ip, at) => ({ id: `ip:${ip}@${at}`, local: ip.startsWith('10.'), evidence: 'address' }),
    },
    signals: {
      dispatch: (obs) => {
        log.push(`signals ${obs.kind}`);
        return signalsFor(obs);
      },
      tick: (watermark) => {
        log.push(`tick ${watermark}`);
        return [];
      },
    },
    chains: {
      feed: (obs) => {
        log.push(`chains ${obs.kind}${name(obs)} ${Object.values(obs.hosts).map((h) => h.id)}`);
        return [];
      },
      advance: (watermark): Finding[] => {
        log.push(`advance ${watermark}`);
        return [];
      },
    },
    onSignal: (s) => log.push(`out ${s.name}`),
    onFinding: () => log.push('finding'),
  });
  return { log, detection };
}

describe('detection', () => {
  it('an event says whose address it is, is remembered, looked at, and matched after what was said of it', () => {
    const { log, detection } = rig(
      (obs) => (obs.kind === 'dns' ? [{ name: 'rare', seen: obs.seen, ts: obs.seen } as SignalEvent] : []),
      [event(5, { host: 'mac:x' })],
    );
    detection.take('dns', event(5, { query: 'A.Example' }), 's/1/1/0');
    assert.deepEqual(log.slice(log.indexOf('entities dns')), [
      'entities dns',
      'chains identity ',
      'remember domain a.example',
      'signals dns',
      'out rare',
      'chains signalrare ',
      'chains dns ip:10.0.0.1@5,ip:192.0.2.1@5',
    ]);
  });

  it('the watermark stays behind by the lateness, moves by a second at least, and ends at the end', () => {
    const { log, detection } = rig();
    for (const at of [0, 100, 2e6, 2e6 + 1]) detection.take('conn', event(at), 'r');
    detection.finish();
    assert.deepEqual(
      log.filter((l) => l.startsWith('advance')),
      [`advance ${-LATENESS}`, `advance ${2e6 - LATENESS}`, 'advance Infinity'],
    );
  });

  it('ties are broken by kind, then by content', () => {
    const a = event(1, { query: 'a' });
    const b = event(1, { query: 'b' });
    const [first, second] = contentHash('dns', a) < contentHash('dns', b) ? [a, b] : [b, a];
    for (const order of [
      [a, b],
      [b, a],
    ] as const) {
      const sorted = inOrder([
        { kind: 'http', event: event(1) },
        ...order.map((e) => ({ kind: 'dns' as const, event: e })),
        { kind: 'tls', event: event(0) },
      ]);
      assert.deepEqual(
        sorted.map((i) => i.kind),
        ['tls', 'dns', 'dns', 'http'],
      );
      assert.deepEqual([sorted[1]?.event, sorted[2]?.event], [first, second]);
    }
  });
});
