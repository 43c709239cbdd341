// For tests: keys, and packs that they have signed.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Entry } from '../lib/tar.ts';
import { type Manifest, manifestOf, packOf } from './pack.ts';
import { keyId, signatureOf, type Trust } from './trust.ts';

/** 2026-01-01 [s]. */
export const NEW_YEAR = 1_767_225_600;
const YEAR_S = 365 * 86_400;

export interface Pair {
  readonly id: string;
  readonly secret: KeyObject;
  readonly open: KeyObject;
}

export function pair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { id: keyId(publicKey), secret: privateKey, open: publicKey };
}

export const trustIn = (pairs: readonly Pair[], threshold = 1): Trust => ({
  keys: new Map(pairs.map((p) => [p.id, p.open])),
  threshold,
});

export const entry = (name: string, text: string): Entry => ({ name, bytes: Buffer.from(text) });

/** base-VERSION unless told otherwise: taken for a year, by any program, with a list of one domain. */
export function packBy(
  signers: readonly Pair[],
  about: Partial<Omit<Manifest, 'format' | 'files'>> = {},
  files: readonly Entry[] = [entry('intel/list.csv', 'c2.example\n')],
): Buffer {
  const manifest = manifestOf(
    { name: 'base', version: 1, made: NEW_YEAR, expires: NEW_YEAR + YEAR_S, needs: '0.1.0', ...about },
    files,
  );
  return packOf(
    manifest,
    signers.map((s) => ({ ...signatureOf(manifest, s.secret), id: s.id })),
    files,
  );
}
