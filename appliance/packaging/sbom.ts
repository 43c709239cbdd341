// What is in a package, as CycloneDX 1.5: every npm package with its version, licence and the hash that the lock file
// pins. Without a time or a random number: the same content has the same list, byte for byte.
import { createHash } from 'node:crypto';
import type { Lock } from './closure.ts';

export interface Subject {
  readonly name: string;
  readonly version: string;
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
/** https://github.com/package-url/purl-spec: the @ of a scope is escaped, the slash is not. */
const purl = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** "sha512-BASE64" of the lock file. */
function hashOf(integrity: string): { alg: string; content: string } {
  const [kind = '', base64 = ''] = integrity.split('-', 2);
  return { alg: kind.replace('sha', 'SHA-'), content: Buffer.from(base64, 'base64').toString('hex') };
}

/** A licence that stands for itself has an id; "(MIT OR Apache-2.0)" is an expression. */
const licenceOf = (text: string): object => (/[ (]/.test(text) ? { expression: text } : { license: { id: text } });

/** The list as JSON. @param parts  lock files, each with the paths that the package carries of it */
export function sbom(subject: Subject, parts: readonly { readonly lock: Lock; readonly paths: readonly string[] }[]) {
  const components = parts
    .flatMap(({ lock, paths }) => paths.map((path) => ({ path, locked: lock[path] })))
    .flatMap(({ path, locked }) => {
      if (locked === undefined) return [];
      const name = nameOf(path);
      const ref = purl(name, locked.version);
      return [
        {
          ...{ type: 'library', 'bom-ref': `${ref}#${path}`, name, version: locked.version, purl: ref },
          ...(locked.license === undefined ? {} : { licenses: [licenceOf(locked.license)] }),
          ...(locked.integrity === undefined ? {} : { hashes: [hashOf(locked.integrity)] }),
        },
      ];
    });
  const body = {
    metadata: {
      component: {
        ...{ type: 'application', 'bom-ref': subject.name, ...subject },
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
  };
  const hex = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  // A UUID of version 8, RFC 9562 section 5.8: made of the content.
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  const head = { bomFormat: 'CycloneDX', specVersion: '1.5', serialNumber: `urn:uuid:${uuid}`, version: 1 };
  return `${JSON.stringify({ ...head, ...body }, null, 2)}\n`;
}
