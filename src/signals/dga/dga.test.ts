import assert from 'node:assert/strict';
import { describeCases } from '../case_world.test.ts';
import { unsayable } from './dga.ts';

describeCases('dga', [
  {
    table: 'hosts',
    cap: 'hosts_max',
    make: (i) => [
      { kind: 'dns', event: { orig_h: `10.1.0.${i}`, resp_h: '10.1.0.1', query: 'xkqzvbn.example', rcode: 3 } },
    ],
  },
]);

describe('unsayable', () => {
  it('knows words from noise', () => {
    const words = ['google', 'wikipedia', 'microsoft', 'openstreetmap', 'banana', 'strasse', 'xn--mnchen-3ya', 'bbc'];
    for (const word of words) assert.ok(unsayable(word) < 0.5, `${word} ${unsayable(word)}`);
    for (const noise of ['xkqzvbnt', 'a8f3kd92', 'db54a845f1', 'qwrtpsdf', 'kjhgfdsaplmw'])
      assert.ok(unsayable(noise) >= 0.5, `${noise} ${unsayable(noise)}`);
  });
});
