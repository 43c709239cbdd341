// Describes the signals in YAML beside it on a page for people.
//
//   node --import tsx appliance/signals/gen.ts            write signals.gen.md if it changed
//   node --import tsx appliance/signals/gen.ts --check    write nothing; exit 1 when it is stale
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SHIPPED_SIGNALS, shippedSignals } from '../../src/declared.ts';
import { page } from '../../src/signals/gen.ts';

const file = fileURLToPath(new URL('signals.gen.md', import.meta.url));
const folders = new Set(readdirSync(SHIPPED_SIGNALS));
const text = page(
  shippedSignals().definitions.filter((d) => folders.has(d.id)),
  '',
);
if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  if (process.argv.includes('--check')) {
    console.error('appliance/signals/signals.gen.md is stale: make gen');
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
  }
}
