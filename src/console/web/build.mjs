// Makes dist/console/web/ from the page's sources: one script, one style sheet, one document. Says how large they are.
// What serves it is compiled to dist/console/, and is neither removed nor served.
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../../../dist/console/web');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [join(here, 'main.tsx'), join(here, 'style.css')],
  outdir: out,
  ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', charset: 'utf8', logLevel: 'warning' },
  ...{ jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
});
for (const name of ['index.html', 'icon.svg']) copyFileSync(join(here, name), join(out, name));
const sizes = ['main.js', 'style.css'].map((name) => {
  const bytes = readFileSync(join(out, name));
  return `${name} ${(bytes.length / 1024).toFixed(1)} KiB (${(gzipSync(bytes).length / 1024).toFixed(1)} gzip)`;
});
console.log(`console: ${sizes.join(', ')}`);
