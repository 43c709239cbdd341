// Writes what is made from the language of chains: the JSON Schema for editors and the page of functions. `--check`
// says whether they are as they would be written.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chainSchema, functionsPage } from './editor.ts';

const at = (name: string): string => fileURLToPath(new URL(`../../appliance/chains/${name}`, import.meta.url));
const FILES: readonly (readonly [string, string])[] = [
  ['chain.schema.json', chainSchema()],
  ['FUNCTIONS.md', functionsPage()],
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isCheck = process.argv.includes('--check');
  for (const [name, text] of FILES) {
    if (!isCheck) writeFileSync(at(name), text);
    else if (readFileSync(at(name), 'utf8') !== text) {
      console.error(`appliance/chains/${name} is stale: make gen`);
      process.exitCode = 1;
    }
  }
}
