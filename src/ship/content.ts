// Packs that the collector offers this sensor, over the same TLS as frames. What they are worth is not its to say: who
// signed them is asked where they arrive.
import { createHash } from 'node:crypto';
import { request } from 'node:https';
import { z } from 'zod';
import { failure, type Result, success } from '../lib/fault.ts';
import { CONTENT_PATH, PACK_BYTES_MAX, PACK_NAME, SERVER_NAME } from '../wire/agreed.ts';

const OFFERS_BYTES_MAX = 64 << 10;
/** From dialing to the last byte [ms]. */
const PATIENCE_MS = 120_000;

export interface PackSource {
  /** wss://host:port */
  readonly url: string;
  /** PEM, each. */
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

const offersSchema = z.object({
  packs: z
    .array(
      z.object({
        name: z.string().regex(PACK_NAME),
        version: z.int().min(1),
        size: z.int().min(1).max(PACK_BYTES_MAX),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(64),
});
export type Offer = z.output<typeof offersSchema>['packs'][number];

interface Have {
  readonly name: string;
  readonly version: number;
  readonly trial: boolean;
}

/** What this sensor is to run. @param have  what it runs now, which the collector keeps for whoever rolls out */
export async function offersOf(source: PackSource, have: readonly Have[]): Promise<Result<Offer[]>> {
  const said = have.map((h) => `${h.name}:${h.version}${h.trial ? ':trial' : ''}`).join(',');
  const body = await get(source, `${CONTENT_PATH}?have=${encodeURIComponent(said)}`, OFFERS_BYTES_MAX);
  if (!body.ok) return body;
  try {
    return success(offersSchema.parse(JSON.parse(body.value.toString())).packs);
  } catch {
    // Not JSON, or not offers: this is another program, or an older one.
    return failure('input_unreadable', `${source.url}: its offers cannot be read`);
  }
}

export async function fetchPack(source: PackSource, { name, version, size, sha256 }: Offer): Promise<Result<Buffer>> {
  const body = await get(source, `${CONTENT_PATH}/${name}/${version}`, size);
  if (!body.ok) return body;
  if (createHash('sha256').update(body.value).digest('hex') !== sha256)
    return failure('input_unreadable', `${name}-${version}: is not what was offered`);
  return body;
}

function get({ url, key, certificate, ca }: PackSource, path: string, bytesMax: number): Promise<Result<Buffer>> {
  const { hostname, port } = new URL(url);
  return new Promise((done) => {
    const fail = (why: string): void => done(failure('input_unreadable', `${url}: ${why}`));
    const r = request(
      {
        ...{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 8443), path, method: 'GET', agent: false },
        ...{ key, cert: certificate, ca, servername: SERVER_NAME, minVersion: 'TLSv1.3', timeout: PATIENCE_MS },
        signal: AbortSignal.timeout(PATIENCE_MS),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > bytesMax) r.destroy(new Error('its answer is too long'));
          else chunks.push(chunk);
        });
        response.on('error', (error) => fail(error.message));
        response.on('end', () =>
          response.statusCode === 200 ? done(success(Buffer.concat(chunks))) : fail(`answer ${response.statusCode}`),
        );
      },
    );
    r.on('timeout', () => r.destroy(new Error('it does not answer')));
    r.on('error', (error) => fail(error.message));
    r.end();
  });
}
