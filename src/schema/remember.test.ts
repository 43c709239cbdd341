import assert from 'node:assert/strict';
import { emptyEvent } from './any_event.test.ts';
import type { KindName } from './gen/events.gen.ts';
import type { HostRef, Memory, Observation } from './observation.ts';
import { remember } from './remember.ts';

const local: HostRef = { id: 'mac:a', local: true, evidence: 'test' };
const remote: HostRef = { id: 'ip:203.0.113.9', local: false, evidence: 'test' };

function touches(kind: KindName, values: Record<string, unknown>, hosts: Record<string, HostRef>): string[] {
  const out: string[] = [];
  const memory = {
    touch: (space: string, key: string, at: number, host?: string) => out.push(`${space} ${key} ${at} ${host}`),
  };
  const event = { ...emptyEvent(kind), seen: 7, ...values };
  const obs = { kind, event, seen: 7, ref: '', hash: '', hosts };
  remember(memory as unknown as Memory, obs as unknown as Observation);
  return out;
}

describe('schema: remember', () => {
  const out = { orig_host: local, resp_host: remote };
  const inward = { orig_host: remote, resp_host: local };
  const cases: readonly [string, KindName, Record<string, unknown>, Record<string, HostRef>, string[]][] = [
    ['a name asked for', 'dns', { query: 'WWW.Example.' }, out, ['domain www.example 7 mac:a']],
    ['no question', 'dns', { query: null }, out, []],
    ['the root', 'dns', { query: '.' }, out, []],
    ['a question from outside', 'dns', { query: 'www.example' }, inward, []],
    ['a name of 253', 'dns', { query: 'a'.repeat(253) }, out, [`domain ${'a'.repeat(253)} 7 mac:a`]],
    ['a name of 254', 'dns', { query: 'a'.repeat(254) }, out, []],
    [
      'a handshake',
      'tls',
      { server_name: 'C2.example', ja4: 't13d' },
      out,
      ['domain c2.example 7 mac:a', 'ja4 t13d 7 mac:a'],
    ],
    [
      'a request',
      'http',
      { host: 'c2.example', user_agent: 'x'.repeat(257) },
      out,
      ['domain c2.example 7 mac:a', `user_agent ${'x'.repeat(256)} 7 mac:a`],
    ],
    ['a file', 'file', { sha256: 'ab' }, { rx_host: local, tx_host: remote }, ['file ab 7 mac:a']],
    ['a file with holes', 'file', { sha256: null }, { rx_host: local, tx_host: remote }, []],
    ['a flow out', 'conn', { resp_h: '203.0.113.9' }, out, ['addr 203.0.113.9 7 mac:a']],
    ['a flow in', 'conn', { resp_h: '192.0.2.7' }, inward, []],
    ['another kind', 'weird', {}, out, []],
  ];
  for (const [name, kind, values, hosts, expected] of cases)
    it(name, () => assert.deepEqual(touches(kind, values, hosts), expected));
});
