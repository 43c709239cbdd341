// Adds up what `make test` ran: the last summary of each log in a folder, and one plain line at the end.
//   node test/tally.mjs build/results
// A log without a summary is a run that died: it counts as one failure. asan.log repeats native.log under the
// sanitizers, so only its failures count.
import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const SUMMARIES = [
  /^(\d+) passed, (\d+) failed$/gm, // native_tests
  /^ {2}(\d+) passing .*(?:\n {2}\d+ pending)?(?:\n {2}(\d+) failing)?$/gm, // mocha
];

/** Counts of one log; null where it has no summary. */
export function tally(text) {
  const clean = stripVTControlCharacters(text);
  for (const form of SUMMARIES) {
    const last = [...clean.matchAll(form)].at(-1);
    if (last) return { passed: Number(last[1]), failed: Number(last[2] ?? 0) };
  }
  return null;
}

export function total(dir) {
  let passed = 0;
  let failed = 0;
  for (const name of ['native', 'asan', 'mocha']) {
    const file = path.join(dir, `${name}.log`);
    const counts = fs.existsSync(file) ? tally(fs.readFileSync(file, 'utf8')) : null;
    if (!counts) {
      failed++;
      continue;
    }
    if (name !== 'asan') passed += counts.passed;
    failed += counts.failed;
  }
  return { passed, failed };
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { passed, failed } = total(process.argv[2] ?? 'build/results');
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}
