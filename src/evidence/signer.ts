// The key that signs what was kept: Ed25519, made at first use, its private half readable by its owner alone.
//
// A signature is over the exact bytes of a file and stands beside it, raw, so that openssl checks it as it is:
//   openssl pkeyutl -verify -rawin -pubin -inkey sensor.pub -in X.manifest -sigfile X.sig
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFolder, writeDurably } from '../lib/durable.ts';
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

/** Whole before it has its name, and only where there is none: a key is never replaced. */
function makeKey(path: string): void {
  const next = `${path}.${process.pid}.next`;
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeDurably(next, pem);
  try {
    linkSync(next, path);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(next);
  }
  syncFolder(dirname(path));
}

/** The key in `dir`, which is made with it where it is missing. */
export function openSigner(dir: string): Result<Signer> {
  const path = join(dir, PRIVATE_KEY);
  let pem: string;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) makeKey(path);
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('another kind of key');
    const signer = new Signer(key);
    const known = join(dir, PUBLIC_KEY);
    if (!existsSync(known) || readFileSync(known, 'utf8') !== signer.publicKey)
      writeDurably(known, signer.publicKey, 0o644);
    return success(signer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined)
      return { ok: false, fault: systemFault('state_unusable', join(dir, PUBLIC_KEY), error) };
    return failure('state_unusable', `${path}: is no Ed25519 key`, 'restore it from a backup, or move it away');
  }
}
