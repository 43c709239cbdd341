// A content pack: chains, signals in YAML, indicators and a policy as one signed file, NAME-VERSION.tar.gz, that tar,
// openssl and sha256sum can take apart and check without us.
//
//   manifest.json         what it is, and the SHA-256 of every file of it; its bytes are what is signed
//   signatures/ID.sig     one for each that signed
//   chains/  signals/  intel/  policy.yaml
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { failure, type Result, success } from '../lib/fault.ts';
import { type Entry, filesOfTar, tarOf } from '../lib/tar.ts';
import { PACK_BYTES_MAX, PACK_NAME } from '../wire/agreed.ts';
import { type Signature, signersOf, type Trust } from './trust.ts';

/** Unpacked. */
export const CONTENT_BYTES_MAX = 512 << 20;
const FILES_MAX = 20_000;
const SIGNATURES_MAX = 64;
const MANIFEST = 'manifest.json';
const SIGNATURE = /^signatures\/([0-9a-f]{16})\.sig$/;
/** What may be in one. */
export const PACKED = /^(?:(?:chains|signals)\/.+|intel\/[^/]+|policy\.yaml)$/;

const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().regex(PACK_NAME),
  /** Only ever higher: no pack goes back behind one that was taken. */
  version: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** Seconds since the epoch. After `expires` nobody takes it: an old pack cannot be passed off as the newest. */
  made: z.int().min(0),
  expires: z.int().min(0),
  /** The oldest program that can use it: "0.1.0". */
  needs: z.string().regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}$/),
  files: z.record(z.string(), z.strictObject({ size: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});
export type Manifest = z.output<typeof manifestSchema>;

export interface Pack {
  readonly manifest: Manifest;
  /** As it was signed. */
  readonly manifestBytes: Uint8Array;
  readonly signatures: readonly Signature[];
  /** Those of its signers that are trusted, by keyId(). */
  readonly signers: readonly string[];
  /** Every file of the manifest, as the manifest says. */
  readonly files: readonly Entry[];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const packId = ({ name, version }: Pick<Manifest, 'name' | 'version'>): string => `${name}-${version}`;
export const packHash = (pack: Pick<Pack, 'manifestBytes'>): string => sha256(pack.manifestBytes);

/** The manifest of these files, as it is to be signed. */
export function manifestOf(about: Omit<Manifest, 'format' | 'files'>, files: readonly Entry[]): Buffer {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const listed = sorted.map(({ name, bytes }) => [name, { size: bytes.length, sha256: sha256(bytes) }]);
  const manifest = { format: 1, ...about, files: Object.fromEntries(listed) };
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`);
}

/** The same content and signatures give the same bytes. */
export function packOf(manifest: Uint8Array, signatures: readonly Signature[], files: readonly Entry[]): Buffer {
  const signed = signatures.map(({ id, bytes }) => ({ name: `signatures/${id}.sig`, bytes }));
  const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : 1);
  return gzipSync(tarOf([{ name: MANIFEST, bytes: manifest }, ...signed.sort(byName), ...[...files].sort(byName)]), {
    level: 9,
  });
}

const invalid = (message: string, hint = ''): Result<never> => failure('content_invalid', message, hint);

/** A pack as it was sent, before anybody asks who signed it. @param what  names it in faults */
export function readPack(bytes: Uint8Array, what: string): Result<Omit<Pack, 'signers'>> {
  if (bytes.length > PACK_BYTES_MAX) return invalid(`${what}: is longer than ${PACK_BYTES_MAX} bytes`);
  let tar: Buffer;
  try {
    // A bomb ends here: more than that is never inflated.
    tar = gunzipSync(bytes, { maxOutputLength: CONTENT_BYTES_MAX });
  } catch (error) {
    return invalid(`${what}: cannot be unpacked: ${(error as Error).message}`, 'fetch it again');
  }
  const entries = filesOfTar(tar, FILES_MAX);
  return typeof entries === 'string' ? invalid(`${what}: ${entries}`) : readEntries(entries, what);
}

/** The same of files that stand unpacked in a folder. */
export function readEntries(entries: readonly Entry[], what: string): Result<Omit<Pack, 'signers'>> {
  const manifestBytes = entries.find((e) => e.name === MANIFEST)?.bytes;
  if (manifestBytes === undefined) return invalid(`${what}: has no ${MANIFEST}`, 'it is no content pack');
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(Buffer.from(manifestBytes).toString()));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replace(/\s+/g, ' ') : (error as Error).message;
    return invalid(`${what}: ${MANIFEST}: ${why}`);
  }
  const listed = new Map(Object.entries(manifest.files));
  const signatures: Signature[] = [];
  const files: Entry[] = [];
  for (const { name, bytes } of entries) {
    const [, id] = SIGNATURE.exec(name) ?? [];
    const promised = listed.get(name);
    if (name === MANIFEST) continue;
    if (id !== undefined && signatures.length < SIGNATURES_MAX) signatures.push({ id, bytes });
    else if (promised === undefined || !PACKED.test(name)) return invalid(`${what}: ${name} does not belong in it`);
    else if (promised.size !== bytes.length || promised.sha256 !== sha256(bytes))
      return invalid(`${what}: ${name} is not what its manifest says`, 'fetch it again');
    else files.push({ name, bytes });
  }
  const [missing] = [...listed.keys()].filter((name) => !files.some((f) => f.name === name));
  if (missing !== undefined) return invalid(`${what}: ${missing} is missing`, 'fetch it again');
  return success({ manifest, manifestBytes, signatures, files });
}

/** Whether enough of those whom we trust have signed it. */
export function trusted(pack: Omit<Pack, 'signers'>, trust: Trust): Result<Pack> {
  const id = packId(pack.manifest);
  if (trust.keys.size === 0)
    return invalid(`${id}: nobody is trusted to sign packs`, 'name public keys in content.keys');
  const signers = signersOf(pack.manifestBytes, pack.signatures, trust);
  if (signers.length < trust.threshold)
    return invalid(
      `${id}: ${signers.length} of the ${trust.threshold} signatures that are needed`,
      'do not use it: ask whoever made it',
    );
  return success({ ...pack, signers });
}

const parts = (version: string): number[] => version.split('.').map(Number);
/** a.b.c, as numbers. */
export function isOlder(a: string, b: string): boolean {
  const [x, y] = [parts(a), parts(b)];
  for (const [i, n] of x.entries()) if (n !== y[i]) return n < (y[i] ?? 0);
  return false;
}

/** Whether it may be taken now, by this program. @param now  [us] */
export function usable({ manifest }: Pick<Pack, 'manifest'>, now: number, program: string): Result<undefined> {
  const id = packId(manifest);
  if (now > manifest.expires * 1e6)
    return invalid(`${id}: expired at ${new Date(manifest.expires * 1000).toISOString()}`, 'fetch a newer one');
  if (isOlder(program, manifest.needs))
    return invalid(`${id}: needs catenary ${manifest.needs}, this is ${program}`, 'update the program first');
  return success(undefined);
}
