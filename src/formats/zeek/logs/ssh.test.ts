import assert from 'node:assert/strict';
import type { SshEvent } from '../../../schema/gen/events.gen.ts';
import { SSH } from './ssh.ts';

const event = {
  ...{ orig_h: '10.0.0.1', orig_p: 40000, resp_h: '8.8.8.8', resp_p: 22, client: 'SSH-2.0-a', server: null },
  host_key_fingerprint: 'SHA256:glTDKakoUPbVOd03b0gW7idkUX2l4CNVFK9DMWRIDXo',
} as unknown as SshEvent;

const column = (name: string, e: SshEvent): unknown => SSH.columns.find((c) => c.name === name)?.value(e as never);
const isBeyond = (given: Partial<SshEvent>): boolean => SSH.beyondZeek({ ...event, ...given } as never);

describe('zeek ssh.log', () => {
  it('a direction is there where one end alone is in a private network', () => {
    const rows = [
      ['10.0.0.1', '8.8.8.8', 'OUTBOUND'],
      ['8.8.8.8', 'fe80::1', 'INBOUND'],
      ['10.0.0.1', '192.168.0.1', null],
      ['8.8.8.8', '2606:4700::1', null],
      ['172.15.255.255', '172.16.0.0', 'INBOUND'],
      ['172.31.255.255', '172.32.0.0', 'OUTBOUND'],
    ] as const;
    for (const [orig_h, resp_h, expected] of rows) {
      assert.equal(column('direction', { ...event, orig_h, resp_h }), expected);
    }
  });

  it('a fingerprint is as long as in Zeek’s', () => {
    assert.equal(column('host_key_fingerprint', event), 'SHA256:glTDKakoUPbVOd03b0gW7idkUX2l4CNV');
    assert.equal(column('host_key_fingerprint', { ...event, host_key_fingerprint: null }), null);
  });

  it('one side alone is a row on Zeek’s port only', () => {
    assert.equal(isBeyond({}), false);
    assert.equal(isBeyond({ resp_p: 2222 }), true);
    assert.equal(isBeyond({ resp_p: 2222, server: 'SSH-2.0-b' }), false);
  });
});
