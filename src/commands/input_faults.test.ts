import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultLine } from '../lib/fault.ts';
import { inspectInputs, resultFaults } from './input_faults.ts';

const lines = (files: readonly { path: string; error?: string }[]): string[] =>
  resultFaults(files.map((f) => ({ packets: 0, firstTs: 0, lastTs: 0, ...f }))).map(
    (f) => `${f.code}: ${faultLine(f)}`,
  );

describe('input faults', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'catenary-inputs-'));
    await writeFile(join(dir, 'a.pcap'), 'abc');
    await writeFile(join(dir, 'b.pcap'), 'de');
  });
  after(() => rm(dir, { recursive: true, force: true }));

  it('adds up sizes, unless one has none', async () => {
    const a = join(dir, 'a.pcap');
    const b = join(dir, 'b.pcap');
    assert.deepEqual(await inspectInputs([a, b]), { files: [a, b], faults: [], bytes: 5 });
    assert.equal((await inspectInputs([a, '-'])).bytes, 0);
    assert.equal((await inspectInputs(['/dev/null'])).bytes, 0);
  });

  it('sorts out what cannot be a capture, and keeps the order of the rest', async () => {
    const a = join(dir, 'a.pcap');
    const b = join(dir, 'b.pcap');
    const { files, faults } = await inspectInputs([b, join(dir, 'none.pcap'), dir, a]);
    assert.deepEqual(files, [b, a]);
    assert.deepEqual(faults.map(faultLine), [
      `catenary: ${dir}/none.pcap: no such file (check the path)`,
      `catenary: ${dir}: is a directory (name the captures in it)`,
    ]);
  });

  it('says what to do about what the decoder said', () => {
    assert.deepEqual(
      lines([
        { path: 'good.pcap' },
        { path: 'empty.pcap', error: 'the file is empty' },
        { path: 'cut.pcap', error: 'truncated dump file; tried to read 16 header bytes, only got 7' },
        { path: 'text.pcap', error: 'unknown file format' },
        { path: 'old.pcap', error: 'pcap version 2.1 (only 2.4 is in use: the file header is damaged)' },
        { path: 'odd.pcap', error: 'Invalid block length' },
        { path: '-', error: 'the file is empty' },
        { path: 'secret.pcap', error: 'Permission denied' },
      ]),
      [
        'input_undecodable: catenary: empty.pcap: the file is empty (nothing was captured into it)',
        'input_undecodable: catenary: cut.pcap: truncated dump file; tried to read 16 header bytes, only got 7 (the file was cut off; what stands before was read)',
        'input_undecodable: catenary: text.pcap: unknown file format (pcap and pcapng are read; for others see editcap(1))',
        'input_undecodable: catenary: old.pcap: pcap version 2.1 (only 2.4 is in use: the file header is damaged)',
        'input_undecodable: catenary: odd.pcap: invalid block length (the file is damaged; what stands before was read)',
        'input_undecodable: catenary: standard input: the file is empty (nothing was captured into it)',
        'input_undecodable: catenary: secret.pcap: permission denied (check who may read it)',
      ],
    );
  });

  it('a filter that is wrong is told once', () => {
    const error = "filter 'prot 7': syntax error";
    assert.deepEqual(
      lines([
        { path: 'a', error },
        { path: 'b', error },
      ]),
      ["filter_invalid: catenary: filter 'prot 7': syntax error (see pcap-filter(7))"],
    );
  });

  it('a filter that only some files cannot have is theirs', () => {
    const error = "filter 'vlan': not supported on this link type";
    assert.deepEqual(lines([{ path: 'a' }, { path: 'b', error }]), [
      "input_undecodable: catenary: b: filter 'vlan': not supported on this link type (see pcap-filter(7))",
    ]);
  });
});
