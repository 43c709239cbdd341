// Whose word a content pack needs: public keys of this box's own configuration, and how many of them.
//
// A signature is Ed25519 over the exact bytes of manifest.json and stands in the pack as signatures/ID.sig, ID being
// keyId() of its key, so that openssl checks it as it is.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';

export interface Trust {
  /** By keyId(). */
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** So many different ones of them have to have signed, 1 or more. */
  readonly threshold: number;
}

/** 16 hex digits of the SHA-256 of the key's SubjectPublicKeyInfo (RFC 8410). */
export const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

/** The public keys in these files (PEM), of which `threshold` are needed. */
export function loadTrust(files: readonly string[], threshold: number): Result<Trust> {
  const keys = new Map<string, KeyObject>();
  for (const file of files) {
    let pem: string;
    try {
      pem = readFileSync(file, 'utf8');
    } catch (error) {
      return { ok: false, fault: systemFault('config_invalid', file, error) };
    }
    const key = publicKeyOf(pem);
    if (key === undefined)
      return failure('config_invalid', `${file}: is no public Ed25519 key`, "'catenary content key FILE' makes one");
    keys.set(keyId(key), key);
  }
  if (keys.size > 0 && threshold > keys.size)
    return failure(
      'config_invalid',
      `content.threshold: ${threshold} of ${keys.size} different keys can never have signed`,
      'name more keys, or ask for fewer',
    );
  return success({ keys, threshold });
}

function publicKeyOf(pem: string): KeyObject | undefined {
  // A private key would do for node: whoever names one has given it away.
  if (!pem.includes('PUBLIC KEY')) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    // Not PEM, or a key of a kind that OpenSSL does not know.
    return undefined;
  }
}

/** Makes a pair: the private half in `file`, which nobody else can read, the public one in FILE.pub. Never over one. */
export function makeSigningKey(file: string): Result<KeyObject> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  try {
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
    writeFileSync(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }), { flag: 'wx' });
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', file, error) };
  }
  return success(publicKey);
}

/** A key to sign with (PEM, PKCS 8). */
export function loadSigningKey(file: string): Result<KeyObject> {
  try {
    const key = createPrivateKey(readFileSync(file));
    if (key.asymmetricKeyType === 'ed25519') return success(key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined)
      return { ok: false, fault: systemFault('input_unreadable', file, error) };
  }
  return failure('input_unreadable', `${file}: is no private Ed25519 key`, "'catenary content key FILE' makes one");
}

export interface Signature {
  readonly id: string;
  /** 64 bytes. */
  readonly bytes: Uint8Array;
}

export const signatureOf = (manifest: Uint8Array, key: KeyObject): Signature => ({
  id: keyId(createPublicKey(key)),
  bytes: sign(null, manifest, key),
});

/** Which keys of ours have signed: each counts once, whatever a pack says. */
export function signersOf(manifest: Uint8Array, signatures: readonly Signature[], { keys }: Trust): string[] {
  const signers = new Set<string>();
  for (const { id, bytes } of signatures) {
    const key = keys.get(id);
    if (key !== undefined && bytes.length === 64 && verify(null, manifest, key, bytes)) signers.add(id);
  }
  return [...signers].sort();
}
