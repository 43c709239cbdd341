import assert from 'node:assert/strict';
import { faultText } from './fault.ts';
import { readChain } from './language.ts';

const GOOD = `chain: sleeper
window: 60d
by: [victim]
steps:
  - id: drop
    event: file
    where: file.direction == "download"
    bind: { victim: file.rx_host }
  - id: beacon
    signal: beacon
    where: signal.score >= 0.8 && drop.total_bytes > 0
    bind: { victim: signal.src_host }
`;
const signals = new Set(['beacon', 'exe_download']);
const faults = (text: string): string[] => readChain('x.yaml', text, { signals }).faults.map(faultText);
const change = (from: string, to: string): string[] => {
  assert.ok(GOOD.includes(from));
  return faults(GOOD.replace(from, to));
};

describe('chains: language', () => {
  it('reads a chain', () => {
    const { rule, faults: none } = readChain('x.yaml', GOOD, { signals });
    assert.deepEqual(none, []);
    assert.equal(rule?.steps.length, 2);
    assert.equal(rule?.window, 60 * 86_400e6);
    assert.equal(rule?.start, 'first');
  });

  it('the hash is of what the chain says, not of how it is laid out', () => {
    const hash = (text: string): string | undefined => readChain('x.yaml', text, { signals }).rule?.hash;
    assert.equal(hash(GOOD), hash(`# a comment\n${GOOD}`));
    assert.notEqual(hash(GOOD), hash(GOOD.replace('60d', '61d')));
  });

  const rows: readonly (readonly [string, string, string, string])[] = [
    [
      'an unknown field',
      'file.direction',
      'file.directon',
      'x.yaml:7:12: file has no field directon (did you mean direction?)',
    ],
    [
      'a wrong type',
      'file.direction == "download"',
      'file.direction == 5',
      'x.yaml:7:12: file.direction is a text and 5 a number: they cannot be compared',
    ],
    ['no condition', 'file.direction == "download"', 'file.direction', 'x.yaml:7:12: where is a text, not a condition'],
    ['no window', 'window: 60d\n', '', 'x.yaml:1:1: the chain has no window (window: 60d, up to 400d)'],
    ['a window past memory', '60d', '401d', 'x.yaml:2:9: window is longer than memory: 400d'],
    [
      'a length that is none',
      '60d',
      '60 days',
      'x.yaml:2:9: window: 60 days is no length of time (a number and s, m, h, d or w: 30m, 7d)',
    ],
    [
      'an unbound by',
      'bind: { victim: signal.src_host }',
      'bind: {}',
      'x.yaml:9:5: step beacon does not bind victim, which the chain joins by (bind: { victim: signal.FIELD })',
    ],
    [
      'an unknown signal',
      'signal: beacon',
      'signal: becon',
      'x.yaml:10:13: there is no signal becon (did you mean beacon?)',
    ],
    ['an unknown event', 'event: file', 'event: files', 'x.yaml:6:12: there is no event files (did you mean file?)'],
    [
      'an unknown key',
      'by: [victim]',
      'by: [victim]\nwindows: 3d',
      'x.yaml:4:1: a chain has no windows (did you mean window?)',
    ],
    [
      'an unknown step',
      'drop.total_bytes',
      'dorp.total_bytes',
      'x.yaml:11:35: nothing is called dorp here (did you mean drop?)',
    ],
    [
      'a bind of no entity',
      'victim: file.rx_host',
      'victim: file.fuid',
      'x.yaml:8:21: file.fuid is no host, user, domain or file of file (one of file.rx_host, file.tx_host, file.sha256)',
    ],
    ['a key that is none', 'by: [victim]', 'by: [victim]\neager: true', 'x.yaml:4:1: a chain has no eager'],
    ['no technique', 'by: [victim]', 'by: [victim]\nattack: [1071]', 'x.yaml:4:9: attack is a list of texts'],
    [
      'a technique that ATT&CK has not',
      'by: [victim]',
      'by: [victim]\nattack: [T1105, T1071.009]',
      'x.yaml:4:17: ATT&CK 18.0 has no technique T1071.009 (T1071 has T1071.001 to T1071.005)',
    ],
    [
      'an id of another form',
      'by: [victim]',
      'by: [victim]\nattack: [TA0011]',
      'x.yaml:4:10: TA0011 is no ATT&CK technique (T1071 or T1071.001)',
    ],
    [
      'a retro that is no map',
      'by: [victim]',
      'by: [victim]\nretro: eager',
      'x.yaml:4:8: retro is a map (retro: { intel: true, rule: true, backfill: 90d })',
    ],
    [
      'a key that retro has not',
      'by: [victim]',
      'by: [victim]\nretro: { intels: true }',
      'x.yaml:4:10: retro has no intels (did you mean intel?)',
    ],
    [
      'a backfill that holds no window',
      'by: [victim]',
      'by: [victim]\nretro: { backfill: 59d }',
      'x.yaml:4:20: backfill is shorter than the window: nothing that took so long would be found (60d or more)',
    ],
    [
      'a backfill beyond memory',
      'by: [victim]',
      'by: [victim]\nretro: { backfill: 401d }',
      'x.yaml:4:20: backfill is longer than memory: 400d',
    ],
    ['yaml that is none', 'by: [victim]', 'by: [victim', 'x.yaml:4:1: '],
  ];
  for (const [name, from, to, message] of rows) {
    it(`${name}: file, line, column, what, hint`, () => {
      const [first] = change(from, to);
      if (message.endsWith(': ')) assert.ok(first?.startsWith('x.yaml:'), first);
      else assert.equal(first, message);
    });
  }

  it('keep says what, of whom, how much and for how long', () => {
    const keep = (text: string): string | undefined =>
      change('bind: { victim: signal.src_host }', `bind: { victim: signal.src_host }\n    keep: ${text}`)[0];
    assert.equal(keep('{ packets: flow }'), undefined);
    assert.equal(keep('{ packets: "first(20),last(5)", lease: 90d, file: content }'), undefined);
    assert.equal(keep('{ packets: last(10000) }'), undefined);
    for (const wrong of ['last(10001)', 'first(9999),last(2)', 'first(0)', 'all', 'first(x)'])
      assert.match(keep(`{ packets: "${wrong}" }`) ?? '', /packets is .* \(flow, or first\(20\), last\(5\), or both/);
    assert.match(keep('{ file: names }') ?? '', /file is names \(content\)/);
    assert.match(keep('{ packet: flow }') ?? '', /keep has no packet \(did you mean packets\?\)/);
    assert.match(keep('{ lease: long }') ?? '', /lease: long is no length of time/);
    assert.match(keep('flow') ?? '', /keep is a map/);
  });

  describe('groups', () => {
    const chain = (steps: string): string[] => faults(`chain: x\nwindow: 3d\nby: [h]\nsteps:\n${steps}`);
    const step = (id: string, more = ''): string => `{ id: ${id}, event: dns, bind: { h: dns.orig_host }${more} }`;
    const rows: [name: string, steps: string, message: RegExp | undefined][] = [
      [
        'any_order and one_of',
        `  - any_order: [${step('a')}, ${step('b')}]\n  - one_of: [${step('c')}, ${step('d', ", where: 'dns.rcode == 3'")}]\n`,
        undefined,
      ],
      ['one step alone', `  - any_order: [${step('a')}]\n`, /x\.yaml:5:\d+: a group has 2 to 16 steps/],
      [
        'both',
        `  - any_order: [${step('a')}, ${step('b')}]\n    one_of: [${step('c')}]\n`,
        /any_order or one_of, not both/,
      ],
      [
        'times of a member',
        `  - any_order: [${step('a', ', after: 1d')}, ${step('b')}]\n`,
        /after belongs to the group/,
      ],
      [
        'an optional any_order',
        `  - ${step('x')}\n  - any_order: [${step('a')}, ${step('b')}]\n    optional: true\n  - ${step('y')}\n`,
        /any_order is not optional/,
      ],
      [
        'an optional first step',
        `  - ${step('a', ', optional: true')}\n  - ${step('b')}\n`,
        /cannot begin with an optional step/,
      ],
      [
        'an optional last step',
        `  - ${step('a')}\n  - ${step('b', ', optional: true')}\n`,
        /the last step cannot be optional/,
      ],
      [
        'optional that is no truth',
        `  - ${step('a')}\n  - ${step('b', ', optional: 1')}\n  - ${step('c')}\n`,
        /optional is true or false/,
      ],
      ['an unknown word', `  - any_of: [${step('a')}]\n`, /a step has no any_of/],
      ['a name that is taken', `  - any_order: [${step('a')}, ${step('a')}]\n`, /two steps are called a/],
    ];
    for (const [name, steps, message] of rows)
      it(`${name}: ${message === undefined ? 'good' : 'a fault with its place'}`, () => {
        const found = chain(steps);
        if (message === undefined) assert.deepEqual(found, []);
        else
          assert.ok(
            found.some((f) => message.test(f)),
            found.join('\n'),
          );
      });
  });

  it('a step that comes after the window is over cannot be reached', () => {
    const step = (id: string, more: string): string =>
      `  - { id: ${id}, event: dns, bind: { h: dns.orig_host }${more} }\n`;
    const chain = (steps: string): string[] => faults(`chain: x\nwindow: 10d\nby: [h]\nsteps:\n${steps}`);
    assert.deepEqual(chain(step('a', '') + step('b', ', after: 4d') + step('c', ', after: 6d')), []);
    assert.deepEqual(chain(step('a', '') + step('b', ', after: 4d') + step('c', ', after: 7d')), [
      'x.yaml:7:5: step c cannot be reached: it comes 11.0 days after the first at least (the window is 10.0 days)',
    ]);
    const optional = step('a', '') + step('b', ', after: 8d, optional: true') + step('c', ', after: 6d');
    assert.deepEqual(chain(optional), [], 'without the optional one it can');
    const agg = ', agg: { count: true, per: 11d, gte: 2 }';
    assert.match(chain(step('a', '') + step('b', agg)).join(), /step b counts over more than the window/);
    const twice = `  - one_of: [${step('a', '').slice(4).trim()}, ${step('b', '').slice(4).trim()}]\n${step('c', '')}`;
    assert.match(chain(twice).join(), /step b is never taken: an earlier one of the group asks the same/);
  });

  it('prevalence is compared with at most 16', () => {
    const text = (n: number): string[] =>
      change('file.direction == "download"', `prevalence(file.sha256, "90d") <= ${n}`);
    assert.deepEqual(text(16), []);
    assert.match(text(17)[0] ?? '', /exact to 16 hosts/);
  });

  it('memory knows only what it keeps', () => {
    assert.match(
      change('file.direction == "download"', 'is_new(file.mime_type, "30d")')[0] ?? '',
      /memory keeps nothing about file.mime_type/,
    );
  });

  it('all faults of a chain are told, not the first alone', () => {
    assert.equal(faults(GOOD.replace('window: 60d\n', '').replace('signal: beacon', 'signal: becon')).length, 2);
  });
});
