import assert from 'node:assert/strict';
import { Detection, LATENESS } from './detection.ts';
import type { Finding } from './schema/finding.ts';
import type { CatenaryEvent, IdentityEvent, SightingEvent, SignalEvent } from './schema/gen/events.gen.ts';
import type { Memory, Observation } from './schema/observation.ts';

const event = (seen: number, more: Record<string, unknown> = {}): CatenaryEvent =>
  ({ ts: seen, seen, orig_h: '10.0.0.1', resp_h: '192.0.2.1', query: null, ...more }) as never;

/** Stages that write down who was called with what. */
function rig(
  signalsFor: (obs: Observation) => SignalEvent[] = () => [],
  identities: IdentityEvent[] = [],
  sightings: SightingEvent[] = [],
  findings: Finding[] = [],
) {
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
      resolve: (ip, at, vlan) => ({
        id: `ip:${ip}@${at}${vlan == null ? '' : `/${vlan}`}`,
        local: ip.startsWith('10.'),
        evidence: 'address',
      }),
    },
    intel: { observe: (obs) => (obs.kind === 'dns' ? sightings : []) },
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
        return findings;
      },
      advance: (watermark): Finding[] => {
        log.push(`advance ${watermark}`);
        return [];
      },
    },
    onConclusion: (kind, e) => log.push(`out ${kind} ${(e as { name?: string }).name ?? ''}`.trimEnd()),
    onFinding: () => log.push('finding'),
  });
  return { log, detection };
}

describe('detection', () => {
  it('an event says whose address it is, is remembered, looked at, and matched after what was said of it', () => {
    const { log, detection } = rig(
      (obs) => (obs.kind === 'dns' ? [{ name: 'rare', seen: obs.seen, ts: obs.seen } as SignalEvent] : []),
      [event(5, { host: 'mac:x' }) as IdentityEvent],
    );
    detection.take('dns', event(5, { query: 'A.Example' }), 's/1/1/0');
    assert.deepEqual(log.slice(log.indexOf('entities dns')), [
      'entities dns',
      'out identity',
      'chains identity ',
      'remember domain a.example',
      'signals dns',
      'out signal rare',
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

  it('a sighting is looked at by signals and chains before the record that it was made from', () => {
    const sighting = { ...event(5), indicator: 'a.example' } as unknown as SightingEvent;
    const { log, detection } = rig(
      (obs) => (obs.kind === 'sighting' ? [{ name: 'hit', seen: obs.seen, ts: obs.seen } as SignalEvent] : []),
      [],
      [sighting],
    );
    detection.take('dns', event(5, { query: 'a.example' }), 's/1/1/0');
    assert.deepEqual(log.slice(log.indexOf('remember domain a.example') + 1), [
      'out sighting',
      'signals sighting',
      'out signal hit',
      'chains signalhit ',
      'chains sighting ',
      'signals dns',
      'chains dns ip:10.0.0.1@5,ip:192.0.2.1@5',
    ]);
  });

  it('whose address it was is asked for when the flow began, on its VLAN', () => {
    const { log, detection } = rig();
    detection.take('conn', event(9, { ts: 3, vlan: 7 }), 's/1/1/0');
    assert.equal(log.at(-1), 'chains conn ip:10.0.0.1@3/7,ip:192.0.2.1@3/7');
  });

  it('a finished chain that pages nobody is a conclusion, and no finding', () => {
    for (const [emit, said] of [
      ['alert', 'finding'],
      ['signal', 'out signal quiet'],
    ] as const) {
      const rule = {
        id: 'quiet',
        hash: 'h',
        version: 1,
        title: 't',
        severity: 'low',
        attack: [],
        scope: 'fleet',
        emit,
      };
      const rest = { status: 'issued', revision: 1, key: 'h=x', starts: [], steps: [], others: [], partials: [] };
      const found = { rule, ...rest, bound: {}, flags: [], issued: 5, at: 5 } as unknown as Finding;
      const { log, detection } = rig(undefined, undefined, undefined, [found]);
      detection.take('conn', event(5), 'r');
      assert.equal(log.at(-1), said);
    }
  });
});
