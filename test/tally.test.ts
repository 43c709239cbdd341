// The tally must not turn a run that died into a run that passed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { tally, total } from './tally.mjs';

const MOCHA = '\n  62 passing (395ms)\n  2 pending\n  1 failing\n\n  1) tidy\n';

describe('tally', () => {
  it('reads the last summary of native_tests', () => {
    assert.deepEqual(tally('native: 9 expectations\n6 passed, 1 failed\n'), { passed: 6, failed: 1 });
  });

  it('reads the summary of mocha', () => {
    assert.deepEqual(tally(MOCHA), { passed: 62, failed: 1 });
    assert.deepEqual(tally('\n  3 passing (1s)\n\n'), { passed: 3, failed: 0 });
  });

  it('takes no summary from a log that has none', () => {
    assert.equal(tally('Segmentation fault\n'), null);
    assert.equal(tally(' 6 passed, 1 failed, it said\n'), null);
  });

  it('counts a log that is missing or has no summary as a failure, and asan only when it fails', () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'catenary-tally-'));
    const write = (name: string, text: string) => fs.writeFileSync(path.join(dir, `${name}.log`), text);
    assert.deepEqual(total(dir), { passed: 0, failed: 3 });
    write('native', '6 passed, 0 failed\n');
    write('asan', 'ERROR: AddressSanitizer\n');
    write('mocha', MOCHA);
    assert.deepEqual(total(dir), { passed: 68, failed: 2 });
    write('asan', '6 passed, 0 failed\n');
    assert.deepEqual(total(dir), { passed: 68, failed: 1 });
    fs.rmSync(dir, { recursive: true });
  });
});
