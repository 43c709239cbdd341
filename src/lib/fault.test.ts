import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { faultLine, systemFault } from './fault.ts';

describe('fault', () => {
  it('is one line that says what to do, and cannot move the cursor', () => {
    assert.equal(
      faultLine({ code: 'input_unreadable', message: 'a\u001b[1A\n.pcap: no such file', hint: 'check the path' }),
      'catenary: a\\x1b[1A\\x0a.pcap: no such file (check the path)',
    );
    assert.equal(faultLine({ code: 'usage', message: 'no command', hint: '' }), 'catenary: no command');
  });

  it('says what the system said, in words', async () => {
    const error = await stat('/no/such/file').catch((e: unknown) => e);
    const fault = systemFault('input_unreadable', '/no/such/file', error);
    assert.deepEqual(fault, {
      code: 'input_unreadable',
      message: '/no/such/file: no such file',
      hint: 'check the path',
    });
  });

  it('an error that is not the system’s is ours, and is thrown on', () => {
    assert.throws(() => systemFault('input_unreadable', 'x', new TypeError('a bug')), /a bug/);
    assert.throws(
      () => systemFault('input_unreadable', 'x', Object.assign(new Error('no syscall'), { code: 'X' })),
      /no syscall/,
    );
  });

  it('knows an unusual system error by its name', () => {
    const error = Object.assign(new Error('x'), { code: 'EXDEV', syscall: 'rename' });
    assert.equal(systemFault('output_unwritable', 'x', error).message, 'x: EXDEV');
  });
});
