// kill -9 at random moments, again and again, of a run with a state: what comes out in the end is what an uninterrupted
// run gives, byte for byte. `make long TARGET=kill` is the long form.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomRow } from '../random.ts';
import { linesOf, start, textOf, worldAt } from './run.ts';

const KILLS = Number(process.env.KILLS ?? 12);
const SEED = Number(process.env.SEED ?? 1);
/** A run is over in about this time; later kills would hit nothing [ms]. */
const LATEST_MS = 1500;

describe('a run that is killed', function () {
  this.timeout(120_000 + KILLS * 5000);
  let folder = '';
  let capture = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-kill-'));
    capture = worldAt(folder, 'founding', {}).file;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const configWith = (name: string): string => {
    const config = join(folder, `${name}.yaml`);
    writeFileSync(config, `state: { dir: ${name} }\n`);
    return config;
  };

  it(`goes on where it stood: ${KILLS} kills, seed ${SEED}`, async () => {
    const calm = join(folder, 'calm');
    assert.equal((await start([capture, '--config', configWith('calm-state'), '--out', calm]).ended).code, 0);
    assert.equal(linesOf(calm).length, 1);

    const random = randomRow(SEED);
    let killed = 0;
    let passes = 0;
    while (killed < KILLS) {
      const out = join(folder, `pass-${passes}`);
      const args = [capture, '--config', configWith(`state-${passes}`), '--out', out];
      for (;;) {
        const { child, ended } = start(args);
        const timer = killed < KILLS ? setTimeout(() => child.kill('SIGKILL'), random() * LATEST_MS) : undefined;
        const { code, signal, stderr } = await ended;
        clearTimeout(timer);
        if (signal !== 'SIGKILL') {
          assert.equal(code, 0, stderr);
          break;
        }
        killed++;
      }
      // Not the texts themselves: a difference of them would be megabytes.
      for (const file of ['alerts.ndjson', 'signals.ndjson']) {
        const [got, wanted] = [linesOf(out, file), linesOf(calm, file)];
        const at = wanted.findIndex((line, i) => line !== got[i]);
        assert.equal(at, -1, `${file} differs in line ${at + 1}, pass ${passes}, after ${killed} kills`);
        assert.equal(textOf(out, file).length, textOf(calm, file).length, `${file}, pass ${passes}`);
      }
      rmSync(join(folder, `state-${passes}`), { recursive: true });
      passes++;
    }
    console.log(`      ${killed} kills in ${passes} runs`);
  });
});
