// The key that signs what was kept: Ed25519, made at first use, its private half readable by its owner alone.
//
// A signature is over the exact bytes of a file and stands beside it, raw, so that openssl checks it as it is:
//   openssl pkeyutl -verify -rawin -pubin -inkey sensor.pub -in X.manifest -sigfile X.sig
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';

export const PUBLIC_KEY = 'sensor.pub';
const PRIVATE_KEY = 'sensor.key';

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

export class Signer {
  /** PEM, as in sensor.pub. */
  readonly publicKey: string;
  /** SHA-256 of sensor.pub: what a person compares through another channel. */
  readonly fingerprint: string;
  private readonly key: KeyObject;

  constructor(key: KeyObject) {
    this.key = key;
    this.publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
    this.fingerprint = sha256(this.publicKey);
  }

  /** 64 bytes. */
  sign(bytes: Uint8Array | string): Buffer {
    return sign(null, Buffer.from(bytes), this.key);
  }
}

/** The key in `dir`, which is made with it where it is missing. */
export function openSigner(dir: string): Result<Signer> {
  const path = join(dir, PRIVATE_KEY);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    // Only where there is none: a key is never replaced.
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('another kind of key');
    const signer = new Signer(key);
    writeFileSync(join(dir, PUBLIC_KEY), signer.publicKey);
    return success(signer);
  } catch {
    return failure('state_unusable', `${path}: is no Ed25519 key`, 'restore it from a backup, or move it away');
  }
}
