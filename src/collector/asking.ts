// The collector's socket, for whoever may write in its folder: `catenary packets --sensor`. HTTP, as the sensor's.
//
//   POST /packets      a JSON object: sensor, uid, filter, from, to, bytes, actor, reason; answers with what came
//   GET /packets/ID    the pcapng that came
import { chmodSync, createReadStream, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { SENSOR_NAME } from '../config/schema.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { CONTROL_TEXT_MAX } from '../wire/control.ts';
import type { Fetched, PacketDesk } from './packet_desk.ts';

const ASKERS_MAX = 16;
const BODY_BYTES_MAX = 8192;
const ANSWER_BYTES_MAX = 64 << 10;

export const collectorSocket = (dir: string): string => join(dir, 'collector.sock');

const inBytes = (max: number) => z.string().refine((s) => Buffer.byteLength(s) <= max, `is longer than ${max} bytes`);
const time = z.int().min(0).max(9e15);

/** What may be asked for. Times [us], both included. */
export const askedSchema = z.strictObject({
  sensor: z.string().regex(SENSOR_NAME, 'is no name of a sensor'),
  uid: z.string().regex(/^(C[0-9A-Za-z]{11})?$/, 'is no uid of a flow'),
  filter: inBytes(CONTROL_TEXT_MAX),
  ...{ from: time, to: time, bytes: z.int().min(1) },
  actor: inBytes(128),
  reason: inBytes(CONTROL_TEXT_MAX),
});
export type AskedOfDesk = z.output<typeof askedSchema>;

export class AskingSocket {
  private readonly desk: PacketDesk;
  private readonly server: Server;

  private constructor(desk: PacketDesk) {
    this.desk = desk;
    this.server = createServer((asked, answer) => {
      this.answer(asked, answer).catch(() => answer.destroy());
    });
    this.server.maxConnections = ASKERS_MAX;
  }

  static async open(path: string, desk: PacketDesk): Promise<Result<AskingSocket>> {
    const self = new AskingSocket(desk);
    try {
      rmSync(path, { force: true });
      await new Promise<void>((done, fail) => {
        self.server.once('error', fail);
        self.server.listen(path, done);
      });
      chmodSync(path, 0o600);
      return success(self);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', path, error) };
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private async answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const id = /^\/packets\/([\w-]{1,64})$/.exec(asked.url ?? '')?.[1];
    if (asked.method === 'GET' && id !== undefined) return giveOut(this.desk, id, answer);
    if (asked.method !== 'POST' || asked.url !== '/packets') {
      answer.writeHead(404).end('there is /packets\n');
      return;
    }
    const wanted = askedSchema.safeParse(await bodyOf(asked));
    if (!wanted.success) {
      const [issue] = wanted.error.issues;
      answer.writeHead(400).end(`${issue?.path.join('.')}: ${issue?.message}\n`);
      return;
    }
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    const { sensor, ...rest } = wanted.data;
    const fetched = await this.desk.fetch(sensor, rest, '', gone.signal);
    answer.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(fetched)}\n`);
  }
}

/** A file that was fetched, as a download. */
export async function giveOut(desk: Pick<PacketDesk, 'pathOf'>, id: string, answer: ServerResponse): Promise<void> {
  const path = desk.pathOf(id);
  if (path === undefined) {
    answer.writeHead(404).end('there is nothing to fetch any more: ask again\n');
    return;
  }
  answer.setHeader('cache-control', 'no-store');
  answer.setHeader('content-disposition', `attachment; filename="packets-${id.slice(0, 8)}.pcapng"`);
  answer.writeHead(200, { 'content-type': 'application/x-pcapng' });
  await pipeline(createReadStream(path), answer);
}

async function bodyOf(asked: IncomingMessage): Promise<unknown> {
  let text = '';
  asked.setEncoding('utf8');
  for await (const piece of asked) {
    text += piece;
    if (text.length > BODY_BYTES_MAX) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const away = (path: string): Result<never> =>
  failure(
    'sensor_away',
    `${path}: no collector answers`,
    'does it run, with this collector.dir, and as you or as root?',
  );

const askOnce = (
  path: string,
  method: 'GET' | 'POST',
  what: string,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage | undefined> =>
  new Promise((done) => {
    const asking = request({ socketPath: path, path: what, method, signal }, done);
    asking.on('error', () => done(undefined));
    asking.end(body);
  });

/** Asks a collector that runs here. However long it takes: the signal ends it, and then the sensor stops too. */
export async function askForPackets(path: string, wanted: AskedOfDesk, signal: AbortSignal): Promise<Result<Fetched>> {
  const answer = await askOnce(path, 'POST', '/packets', JSON.stringify(wanted), signal);
  if (answer === undefined) return away(path);
  let text = '';
  try {
    answer.setEncoding('utf8');
    for await (const piece of answer) {
      text += piece;
      if (text.length > ANSWER_BYTES_MAX) break;
    }
    return answer.statusCode === 200
      ? success(JSON.parse(text) as Fetched)
      : failure('usage', text.trim().slice(0, 200), "see 'catenary packets --help'");
  } catch {
    return away(path);
  }
}

/** What came, while it is given out. */
export async function getPackets(path: string, id: string, signal: AbortSignal): Promise<Result<IncomingMessage>> {
  const answer = await askOnce(path, 'GET', `/packets/${id}`, '', signal);
  return answer?.statusCode === 200 ? success(answer) : away(path);
}
