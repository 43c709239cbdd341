// A sensor gets its certificate: it makes a key, dials the collector, checks that it is the one the token names, and
// only then says the token. The key never leaves this machine.
import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { nodeDisk, replaceDurably } from '../spool/disk.ts';
import { ENROLL_PATH, parseToken, SERVER_NAME } from '../wire/agreed.ts';

const ANSWER_BYTES_MAX = 1 << 16;
const DIAL_MS_MAX = 10_000;
export const FILES = { key: 'sensor.key', certificate: 'sensor.pem', ca: 'ca.pem' } as const;

const REASONS: Readonly<Record<string, string>> = {
  token_used: 'the token was used before',
  token_expired: 'the token has expired',
  token_unknown: 'the collector does not know the token',
};

/**
 * Writes the key, the certificate and the authority to `dir`.
 * @param url    wss://host:port
 * @param token  as `catenary collector token` printed it
 * @returns      the sensor's name, as the certificate says
 */
export async function enroll(url: string, token: string, dir: string): Promise<Result<string>> {
  const parsed = parseToken(token);
  if (parsed === undefined)
    return failure('usage', 'that is no token', 'copy the whole line that the collector printed');
  const { fingerprint, secret } = parsed;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  let socket: TLSSocket;
  try {
    socket = await dial(host, Number(port || 8443));
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', url, error) };
  }
  if (!isTheOne(socket, fingerprint)) {
    socket.destroy();
    return failure(
      'input_unreadable',
      `${url}: is not the collector that made the token`,
      'somebody may stand between',
    );
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const body = JSON.stringify({
    secret,
    public_key: publicKey.export({ type: 'spki', format: 'pem' }),
    proof: sign('sha256', Buffer.from(secret), privateKey).toString('base64url'),
  });
  const answer = await post(socket, body);
  if (typeof answer === 'string') return failure('input_unreadable', `${url}: ${REASONS[answer] ?? answer}`);
  const { sensor, certificate, ca } = answer;
  try {
    const cert = new X509Certificate(certificate);
    if (!cert.checkPrivateKey(privateKey) || fingerprintOf(new X509Certificate(ca)) !== fingerprint)
      return failure('input_unreadable', `${url}: its answer is not for this key`);
    await nodeDisk.makeDir(dir);
    const files = [
      [FILES.key, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
      [FILES.ca, ca],
      [FILES.certificate, certificate],
    ] as const;
    // Whoever finds a certificate finds its key too. Files of this disk are made for their owner alone.
    for (const [name, text] of files) await replaceDurably(nodeDisk, path.join(dir, name), Buffer.from(text));
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', dir, error) };
  }
  return success(sensor);
}

const fingerprintOf = (cert: X509Certificate): string => createHash('sha256').update(cert.raw).digest('base64url');

function dial(host: string, port: number): Promise<TLSSocket> {
  return new Promise((done, fail) => {
    // Checked below, against the token: there is no authority yet that it could be checked against.
    const socket = connect({ host, port, servername: SERVER_NAME, minVersion: 'TLSv1.3', rejectUnauthorized: false });
    socket.setTimeout(DIAL_MS_MAX, () =>
      socket.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT', syscall: 'connect' })),
    );
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      done(socket);
    });
  });
}

/** Whether the server's certificate was signed by the authority whose fingerprint the token has. */
function isTheOne(socket: TLSSocket, fingerprint: string): boolean {
  const chain = socket.getPeerCertificate(true);
  const issuer = chain.issuerCertificate?.raw;
  if (chain.raw === undefined || issuer === undefined) return false;
  const [cert, ca] = [new X509Certificate(chain.raw), new X509Certificate(issuer)];
  return fingerprintOf(ca) === fingerprint && cert.checkIssued(ca) && cert.verify(ca.publicKey);
}

function post(socket: TLSSocket, body: string): Promise<{ sensor: string; certificate: string; ca: string } | string> {
  return new Promise((done) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      host: SERVER_NAME,
    };
    const r = request({ path: ENROLL_PATH, method: 'POST', headers, createConnection: () => socket }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) response.destroy(new Error('its answer is too long'));
      });
      response.on('error', (error) => done(error.message));
      response.on('end', () => {
        try {
          const v = JSON.parse(text) as Record<string, unknown>;
          const { sensor, certificate, ca, error } = v;
          if (typeof sensor === 'string' && typeof certificate === 'string' && typeof ca === 'string')
            done({ sensor, certificate, ca });
          else done(typeof error === 'string' ? error : `answer ${response.statusCode}`);
        } catch {
          done(`answer ${response.statusCode}`);
        }
      });
    });
    r.on('error', (error) => done(error.message));
    r.end(body);
  });
}

/** PEM texts, as the shipper wants them. */
export interface Identity {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

/** What enrolment left in `dir`. */
export function identityIn(dir: string): Result<Identity> {
  const text = (name: string): string => readFileSync(path.join(dir, name), 'utf8');
  try {
    return success({ key: text(FILES.key), certificate: text(FILES.certificate), ca: text(FILES.ca) });
  } catch (error) {
    return { ok: false, fault: { ...systemFault('state_unusable', dir, error), hint: "run 'catenary enroll'" } };
  }
}
