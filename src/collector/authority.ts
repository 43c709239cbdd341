// The collector's own certificate authority: one key, made once, that signs its own server certificate and those of
// sensors. Sensors pin it, so it needs no name that others trust, and nobody else's authority can speak for it.
//
// Node can check X.509 and not make it, so `openssl x509 -new` does: it is on every Debian, it is what people verify
// evidence with anyway, and it costs no dependency. Only names that match SENSOR_NAME and public keys that node:crypto
// has parsed and written again reach it; private keys stay in files.
import { execFile } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { SENSOR_NAME } from '../config/schema.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { nodeDisk, replaceDurably } from '../spool/disk.ts';
import { SERVER_NAME } from '../wire/agreed.ts';

export const SENSOR_DAYS = 30;
const SERVER_DAYS = 3650;
const COMMAND_BYTES_MAX = 1 << 16;
const COMMAND_MS_MAX = 10_000;
const run = promisify(execFile);

export interface Identity {
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

export interface Authority {
  /** PEM; `fingerprint` is the SHA-256 of its DER, base64url. */
  readonly ca: string;
  readonly fingerprint: string;
  readonly server: Identity;
  /** A certificate for a sensor's public key. */
  issue(name: string, publicKey: string): Promise<Result<string>>;
}

export const fingerprintOf = (cert: X509Certificate): string =>
  createHash('sha256').update(cert.raw).digest('base64url');

/** A new key, P-256, as PEM. It is written by whoever needs it, where only its owner reads. */
export function newKey(): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

export async function writeSecret(file: string, text: string): Promise<void> {
  await replaceDurably(nodeDisk, file, Buffer.from(text));
  await chmod(file, 0o600);
}

/** Opens the authority in `dir`; the first time it is made. */
export async function openAuthority(dir: string): Promise<Result<Authority>> {
  const at = (name: string): string => path.join(dir, name);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    if (await isMissing(at('ca.key'))) await writeSecret(at('ca.key'), newKey().privateKey);
    if (await isMissing(at('ca.pem'))) {
      const text = await signed(dir, {
        ...{ subject: 'Catenary collector CA', days: SERVER_DAYS, signer: ['-key', at('ca.key')] },
        extensions:
          'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n',
      });
      await replaceDurably(nodeDisk, at('ca.pem'), Buffer.from(text));
    }
    const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key')];
    if (await isMissing(at('server.key'))) await writeSecret(at('server.key'), newKey().privateKey);
    if (await isMissing(at('server.pem'))) {
      const key = createPublicKey(await readFile(at('server.key'), 'utf8'));
      const text = await signed(dir, {
        ...{
          subject: SERVER_NAME,
          days: SERVER_DAYS,
          signer: by,
          publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
        },
        extensions: `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:${SERVER_NAME}\n`,
      });
      await replaceDurably(nodeDisk, at('server.pem'), Buffer.from(text));
    }
    const ca = await readFile(at('ca.pem'), 'utf8');
    const cert = new X509Certificate(ca);
    if (!cert.checkPrivateKey(createPrivateKey(await readFile(at('ca.key'), 'utf8'))))
      return failure('state_unusable', `${at('ca.pem')}: is not of ca.key`, 'restore both from the same backup');
    return success({
      ca,
      fingerprint: fingerprintOf(cert),
      // The authority goes along: whoever enrols knows it only by its fingerprint.
      server: { key: await readFile(at('server.key'), 'utf8'), cert: (await readFile(at('server.pem'), 'utf8')) + ca },
      issue: (name, publicKey) => issue(dir, by, name, publicKey),
    });
  } catch (error) {
    return commandFault(dir, error);
  }
}

async function issue(dir: string, by: readonly string[], name: string, publicKey: string): Promise<Result<string>> {
  if (!SENSOR_NAME.test(name)) return failure('usage', `'${name}' is no name of a sensor`);
  try {
    const extensions = `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\nsubjectAltName=DNS:${name}\n`;
    return success(await signed(dir, { subject: name, days: SENSOR_DAYS, signer: by, publicKey, extensions }));
  } catch (error) {
    return commandFault(dir, error);
  }
}

interface Signing {
  readonly subject: string;
  readonly days: number;
  readonly signer: readonly string[];
  readonly publicKey?: string;
  readonly extensions: string;
}

async function signed(dir: string, s: Signing): Promise<string> {
  const work = await mkdtemp(path.join(dir, 'sign-'));
  try {
    await writeFile(path.join(work, 'ext'), s.extensions);
    const serial = `0x${randomBytes(16).toString('hex').replace(/^./, '1')}`;
    const args = ['x509', '-new', '-subj', `/CN=${s.subject}`, '-days', String(s.days), '-set_serial', serial];
    args.push('-sha256', '-extfile', path.join(work, 'ext'), ...s.signer);
    if (s.publicKey !== undefined) {
      await writeFile(path.join(work, 'key'), s.publicKey);
      args.push('-force_pubkey', path.join(work, 'key'));
    }
    const { stdout } = await run('openssl', args, { timeout: COMMAND_MS_MAX, maxBuffer: COMMAND_BYTES_MAX });
    return new X509Certificate(stdout).toString();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const isMissing = (file: string): Promise<boolean> =>
  readFile(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return true;
      throw error;
    },
  );

function commandFault(dir: string, error: unknown): Result<never> {
  const { stderr, code, path: command } = error as { stderr?: string; code?: unknown; path?: string };
  if (code === 'ENOENT' && command === 'openssl')
    return failure('state_unusable', 'openssl: not found', "install Debian's package openssl");
  if (stderr !== undefined) return failure('state_unusable', `openssl: ${stderr.trim().split('\n')[0]}`);
  return { ok: false, fault: systemFault('state_unusable', dir, error) };
}
