// Chains over a real store: the conditions of steps as SQL, and what a hunt finds.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toAlert } from '../../src/alerts/alert.ts';
import { OwnRecord } from '../../src/chains/bindings.ts';
import { PlainMemory } from '../../src/chains/cases.ts';
import { readChain } from '../../src/chains/language.ts';
import type { Rule, Step } from '../../src/chains/rule.ts';
import { conditionOf } from '../../src/chains/sql.ts';
import { hunt, StoreHistory, whyNot } from '../../src/hunt.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import type { EventOf, KindName } from '../../src/schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import type { Observation } from '../../src/schema/observation.ts';
import { Asker } from '../../src/store/asker.ts';
import { Loader } from '../../src/store/load.ts';
import { recordsOf } from '../../src/store/records.ts';
import { openWorld, SCHEMA, type World } from './world.ts';

const DAY = 86_400e6;
const T0 = 1_700_006_400e6;
const ALWAYS = { from: 0, to: 4e15 };

function event<K extends KindName>(kind: K, day: number, values: Record<string, unknown>): EventOf[K] {
  const zero = (f: (typeof FIELDS)[KindName][number]): unknown => {
    if (f.list) return [];
    if (f.optional) return null;
    if (f.type === 'bool') return false;
    if (f.type === 'ip') return '192.0.2.1';
    if (f.type === 'uid') return 'C00000000000';
    return f.type === 'text' || f.type === 'mac' ? '' : 0;
  };
  const seen = Math.round(T0 + day * DAY);
  const fields = Object.fromEntries(FIELDS[kind].map((f) => [f.name, zero(f)]));
  return { ...fields, ts: seen, seen, cut: false, ...values } as never;
}
/** A flow of `orig` with somebody outside. */
const flow = (orig: string, more: Record<string, unknown>): Record<string, unknown> => ({
  ...{ uid: 'C00000000000', orig_h: orig, orig_p: 40000, resp_h: '203.0.113.9', resp_p: 443, proto: 6, ...more },
});
const DROP = `
chain: drop-and-call
window: 60d
by: [victim]
start: each(3)
steps:
  - id: drop
    event: file
    where: is_executable(file.mime_type) && prevalence(file.sha256, "30d") <= 2
    bind: { victim: file.rx_host, sha: file.sha256 }
  - id: call
    event: tls
    after: 7d
    where: tls.server_name.endsWith(".bad.example") && first_seen(tls.server_name, victim) > drop.seen
    bind: { victim: tls.orig_host, c2: tls.server_name }
`;
const LISTED = `
chain: listed
window: 60d
by: [victim]
steps:
  - { id: drop, event: file, where: is_executable(file.mime_type), bind: { victim: file.rx_host } }
  - { id: contact, signal: intel_hit, bind: { victim: signal.src_host } }
`;
function ruleOf(text: string): Rule {
  const { rule, faults } = readChain('x.yaml', text);
  assert.deepEqual(faults, []);
  return rule as Rule;
}

describe('chains over the store', function () {
  this.timeout(120_000);
  let world: World;
  let asker: Asker;
  const dns: EventOf['dns'][] = [];
  before(async function () {
    world = await openWorld(this);
    asker = new Asker(world.access);
    const identity = (
      host: string,
      change: string,
      addr: string,
      from: number,
      until: number | null,
    ): EventOf['identity'] =>
      event('identity', from, {
        host,
        change,
        addr,
        source: 'dhcp',
        from: T0 + from * DAY,
        until: until === null ? null : T0 + until * DAY,
      });
    const file = (day: number, rx: string, sha: string): EventOf['file'] =>
      event('file', day, {
        mime_type: 'application/x-dosexec',
        sha256: sha,
        rx_host: rx,
        tx_host: '203.0.113.9',
        uid: 'C00000000000',
        fuid: 'F1',
        source: 'http',
        direction: 'download',
      });
    const tls = (day: number, orig: string, name: string): EventOf['tls'] =>
      event('tls', day, flow(orig, { server_name: name }));
    for (const [i, query] of [
      'a.example',
      'B.example',
      'x.a.example',
      '',
      null,
      'a\\\\.example',
      "o'brien.example",
    ].entries())
      for (const rcode of [0, 3, null])
        dns.push(event('dns', 50 + i + dns.length * 1e-3, flow('10.0.0.7', { query, rcode, resp_h: '10.0.0.53' })));
    const batches: [KindName, unknown[]][] = [
      ['dns', dns],
      [
        'identity',
        [
          identity('mac:a', 'opened', '10.0.0.5', -1, null),
          identity('mac:a', 'closed', '10.0.0.5', -1, 10),
          identity('mac:b', 'opened', '10.0.0.5', 11, null),
          identity('mac:a', 'opened', '10.0.0.9', 10, null),
        ],
      ],
      // The same address later is another laptop, which must not complete what the first began.
      ['file', [file(0, '10.0.0.5', 'aa'), file(12, '10.0.0.5', 'bb'), file(3, '10.0.0.8', 'cc')]],
      [
        'tls',
        [
          tls(2, '10.0.0.8', 'x.bad.example'),
          tls(20, '10.0.0.8', 'x.bad.example'),
          tls(31, '10.0.0.9', 'c2.bad.example'),
          tls(31.5, '10.0.0.9', 'www.good.example'),
        ],
      ],
    ];
    const loader = new Loader({ ...world, clock: systemClock, schemas: new Set([SCHEMA]) });
    const frames = batches.map(([kind, events], i) => ({
      ...{ sensor: 's1', epoch: 1, seq: i + 1, schema: SCHEMA, kind: KIND_IDS[kind], count: events.length },
      bytes: encodeBatch(kind, events as never),
    }));
    const loaded = await loader.load(frames as never);
    assert.ok(loaded.ok, loaded.ok ? '' : loaded.fault.message);
  });
  after(async () => {
    await asker?.close();
    await world?.stop();
  });

  const historyOf = async (): Promise<StoreHistory> => {
    const opened = await StoreHistory.open(asker, (ip) => ip.startsWith('10.'));
    assert.ok(opened.ok, opened.ok ? '' : opened.fault.message);
    return opened.value;
  };

  it('a hunt finds what went along with traffic would have: by hosts, not addresses, with memory as it was', async () => {
    const rules = [{ rule: ruleOf(DROP), others: [] }];
    const found = await hunt(await historyOf(), {
      rules,
      span: { from: T0 - DAY, to: T0 + 99 * DAY },
      knownAt: T0 + 40 * DAY,
    });
    assert.ok(found.ok);
    assert.deepEqual(
      found.value.findings.map((f) => [f.key, f.bound.c2?.value, f.bound.sha?.value]),
      [['victim=mac:a', 'c2.bad.example', 'aa']],
      'the one that knew the name before is not among them',
    );
    const alert = toAlert(found.value.findings[0] as never);
    assert.deepEqual(
      [alert.retro, alert.detected_at, alert.could_have_detected_at],
      [true, T0 + 40 * DAY, T0 + 31 * DAY],
    );
  });

  it('retro says what is applied to history, and how far back: one day short, and day 0 is out of reach', async () => {
    const span = { from: T0 - DAY, to: T0 + 99 * DAY };
    const hunted = async (retro: string, lists?: readonly (readonly [string, string])[]) => {
      const rules = [{ rule: ruleOf(`${lists === undefined ? DROP : LISTED}retro: ${retro}\n`), others: [] }];
      const found = await hunt(await historyOf(), { rules, span, knownAt: T0, ...(lists && { lists }) });
      assert.ok(found.ok);
      return [found.value.findings.length, found.value.skipped] as const;
    };
    const list = [['late.txt', 'domain,good.example,feed,0.9\n']] as const;
    assert.deepEqual(await hunted('{ backfill: 99d }'), [1, []]);
    assert.deepEqual(await hunted('{ backfill: 98d }'), [0, []]);
    assert.deepEqual(await hunted('{ rule: false }'), [0, ['drop-and-call']]);
    assert.deepEqual(await hunted('{ intel: false }'), [1, []], 'is no list');
    assert.deepEqual(await hunted('{ rule: false }', list), [1, []]);
    assert.deepEqual(await hunted('{ intel: false }', list), [0, ['listed']]);
  });

  it('a list that came later completes a chain backwards, for whom it concerns', async () => {
    const lists = [['late.txt', 'domain,good.example,feed,0.9\n']] as const;
    const rules = [{ rule: ruleOf(LISTED), others: [] }];
    const span = { from: T0 - DAY, to: T0 + 99 * DAY };
    const found = await hunt(await historyOf(), { rules, span, lists, knownAt: T0 + 40 * DAY });
    assert.ok(found.ok);
    assert.deepEqual(
      found.value.findings.map((f) => [f.key, f.issued]),
      [['victim=mac:a', T0 + 31.5 * DAY]],
    );
    const nobody = await hunt(await historyOf(), {
      rules,
      span,
      lists: [['l.txt', 'domain,nowhere.example,feed,0.9\n']],
      knownAt: T0,
    });
    assert.deepEqual(nobody.ok && nobody.value.findings, []);
    // One of every form is asked for, or said not to be; and what is wrong in a list is said.
    const forms = [
      ...[
        'domain,a.example',
        'addr,203.0.113.200',
        'url,http://evil.example/x',
        'ja3,e7d705a3286e19ea42f587b344ee6865',
      ],
      ...['ja4,t13d1516h2_8daaf6152771_e5627efa2ab1', `file_hash,${'ab'.repeat(32)}`, `cert_hash,${'cd'.repeat(32)}`],
      ...['subnet,198.51.100.0/24', 'domain,com'],
    ].map((line) => `${line},feed,0.9\n`);
    const all = await hunt(await historyOf(), { rules, span, lists: [['all.csv', forms.join('')]], knownAt: T0 });
    assert.ok(all.ok, all.ok ? '' : all.fault.message);
    const messages = all.value.faults.map((f) => f.message);
    assert.match(messages[0] ?? '', /^all\.csv:9: /);
    assert.deepEqual(messages.slice(1), ['2 indicators of subnet and cert_hash were not compared with history']);
  });

  it('why not: the condition that failed for a host, with its values, among all that it did', async () => {
    const span = { from: T0 - DAY, to: T0 + 99 * DAY };
    const story = await whyNot(await historyOf(), { rule: ruleOf(DROP), others: [] }, 'ip:10.0.0.8', span);
    assert.ok(story.ok);
    const [one, ...others] = story.value;
    assert.equal(others.length, 0);
    assert.deepEqual(
      one?.matched.map((m) => m.step),
      ['drop'],
    );
    const [nearest] = one?.attempts ?? [];
    assert.equal(nearest?.step, 'call');
    assert.match(nearest?.failed.join() ?? '', /first_seen\(tls.server_name, victim\) > drop.seen, where .*: false/);
    assert.equal(one?.nearMisses[0]?.missing, 'call');
    // Whose address it was then: of two that held one after the other each has its own story.
    const later = await whyNot(await historyOf(), { rule: ruleOf(DROP), others: [] }, 'mac:b', span);
    assert.ok(later.ok);
    assert.deepEqual(
      later.value[0]?.matched.map((m) => (m.at - T0) / DAY),
      [12],
    );
  });

  const text = fc.constantFrom('a.example', 'B.example', '.example', 'x.', '', "o'brien.example", 'a\\\\\\\\.example');
  const atom = fc.oneof(
    fc.tuple(fc.constantFrom('==', '!=', '<'), text).map(([op, t]) => `dns.query ${op} "${t}"`),
    fc.tuple(fc.constantFrom('startsWith', 'endsWith', 'contains'), text).map(([m, t]) => `dns.query.${m}("${t}")`),
    fc.array(text, { minLength: 1, maxLength: 3 }).map((l) => `dns.query in [${l.map((t) => `"${t}"`).join(', ')}]`),
    fc.tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), fc.nat(4)).map(([op, n]) => `dns.rcode ${op} ${n}`),
    fc.constantFrom(
      'dns.resp_h == "10.0.0.53"',
      'dns.orig_h != "10.0.0.53"',
      'size(dns.query) > 5',
      'dns.rejected',
      'dns.ts > 5',
    ),
    fc.constant('dns.query == dns.qtype_name'),
  );
  const where = fc.letrec<{ w: string }>((tie) => ({
    w: fc.oneof(
      { depthSize: 'small' },
      atom,
      fc.tuple(tie('w'), fc.constantFrom('&&', '||'), tie('w')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('w').map((a) => `!(${a})`),
    ),
  })).w;

  it('a condition in SQL lets through what it lets through here; where it cannot say it, more, never less', async () => {
    let exact = 0;
    await fc.assert(
      fc.asyncProperty(where, async (w) => {
        const rule = ruleOf(
          `chain: x\nwindow: 1d\nby: [h]\nsteps:\n  - id: s\n    event: dns\n    where: >-\n      ${w}\n    bind: { h: dns.orig_host }\n`,
        );
        const step = rule.steps[0] as Step;
        const condition = conditionOf(step);
        const found = await recordsOf(asker, 'dns', condition, ALWAYS);
        assert.ok(found.ok, found.ok ? '' : `${found.fault.message} ${condition.text}`);
        const record = new OwnRecord(new PlainMemory(0));
        const wanted = dns.filter(
          (e) =>
            step.where?.evaluate(
              record.of({ kind: 'dns', event: e, seen: e.seen, hosts: {} } as unknown as Observation),
            ) === true,
        );
        const got = new Set(found.value.map((f) => f.event.seen));
        if (condition.isExact) {
          exact++;
          assert.deepEqual([...got].sort(), wanted.map((e) => e.seen).sort(), condition.text);
        } else for (const e of wanted) assert.ok(got.has(e.seen), condition.text);
      }),
      { numRuns: 150 },
    );
    assert.ok(exact > 30, `${exact} conditions were exact`);
  });
});
