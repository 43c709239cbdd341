// Which Catenary this is.
import { readFileSync } from 'node:fs';

/** "0.1.0", as package.json has it. */
export function programVersion(): string {
  const packageJson = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }).version;
}
