// A sensor's socket: who may read its folder may ask it how it is, and listen in on what it hears. HTTP, so that curl
// can ask too; there is nothing to change through it.
//
//   GET /status               how it is now, a JSON object (status.ts)
//   GET /metrics              the same for Prometheus (metrics.ts); that one also on loopback, where it is wanted
//   GET /events?kinds=dns,tls  events from now on, a JSON object a line; all kinds when none are named
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type Fault, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { decodeBatch } from '../schema/decode.ts';
import type { CatenaryEvent, KindName } from '../schema/gen/events.gen.ts';
import { KIND_NAMES } from '../schema/gen/structures.gen.ts';
import { METRICS_TYPE, metricsText, serveMetrics } from './metrics.ts';
import type { Status } from './status.ts';

/** Askers at once. */
const ASKERS_MAX = 16;
const ANSWER_BYTES_MAX = 1 << 20;
/** A sensor that is busy answers late; one that hangs never does [ms]. */
const PATIENCE_MS = 5000;

export const socketPath = (stateDir: string): string => join(stateDir, 'status.sock');

export interface Frames {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

export interface SocketOptions {
  readonly path: string;
  /** Where Prometheus asks: host:port of loopback; null: nowhere. */
  readonly metrics: string | null;
  /** That place could not be had: told, and the socket is there all the same. */
  tell(fault: Fault): void;
  status(): Status;
  /** Frames from now on, until the signal. */
  frames(signal: AbortSignal): AsyncIterable<Frames>;
  /** An event as a JSON object, without a newline. */
  lineOf(kind: KindName, event: CatenaryEvent): string;
}

export class StatusSocket {
  private readonly o: SocketOptions;
  private readonly server: Server;
  private metrics: Server | undefined;

  private constructor(options: SocketOptions) {
    this.o = options;
    this.server = createServer((asked, answer) => {
      this.answer(asked, answer).catch(() => answer.destroy());
    });
    this.server.maxConnections = ASKERS_MAX;
  }

  /** A socket that an earlier life left is replaced: the folder is this sensor's alone. */
  static async open(options: SocketOptions): Promise<Result<StatusSocket>> {
    const self = new StatusSocket(options);
    try {
      rmSync(options.path, { force: true });
      await new Promise<void>((done, fail) => {
        self.server.once('error', fail);
        self.server.listen(options.path, done);
      });
      chmodSync(options.path, 0o600);
      if (options.metrics !== null) {
        const served = await serveMetrics(options.metrics, () => options.status());
        if (served.ok) self.metrics = served.value;
        else options.tell(served.fault);
      }
      return success(self);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', options.path, error) };
    }
  }

  async close(): Promise<void> {
    for (const server of [this.server, this.metrics]) {
      if (server === undefined) continue;
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    }
  }

  private async answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(asked.url ?? '/', 'http://sensor');
    if (asked.method !== 'GET') {
      answer.writeHead(405).end('only GET\n');
    } else if (pathname === '/status') {
      answer.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(this.o.status())}\n`);
    } else if (pathname === '/metrics') {
      answer.writeHead(200, { 'content-type': METRICS_TYPE }).end(metricsText(this.o.status()));
    } else if (pathname === '/events') {
      const names = searchParams.get('kinds')?.split(',') ?? [];
      const unknown = names.find((n) => !KIND_NAMES.includes(n as KindName));
      if (unknown !== undefined) answer.writeHead(400).end(`'${unknown}' is no kind\n`);
      else await this.send(new Set(names as KindName[]), answer);
    } else answer.writeHead(404).end('there is /status, /metrics and /events\n');
  }

  /** As fast as the asker reads: one that is slow misses what the spool gives up meanwhile, and holds up nobody. */
  private async send(kinds: ReadonlySet<KindName>, answer: ServerResponse): Promise<void> {
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    answer.writeHead(200, { 'content-type': 'application/x-ndjson' });
    answer.flushHeaders();
    for await (const { kind, bytes } of this.o.frames(gone.signal)) {
      if (gone.signal.aborted) return;
      const name = KIND_NAMES[kind];
      if (name === undefined || (kinds.size > 0 && !kinds.has(name))) continue;
      const text = decodeBatch(name, bytes)
        .map((event) => `${this.o.lineOf(name, event)}\n`)
        .join('');
      if (!answer.write(text)) await once(answer, 'drain', { signal: gone.signal }).catch(() => undefined);
    }
    answer.end();
  }
}

const away = (path: string): Result<never> =>
  failure('sensor_away', `${path}: no sensor answers`, 'does it run, with this state.dir, and as you or as root?');

/** Answers of a sensor. @returns  its body, while it comes */
export function ask(path: string, what: string, signal?: AbortSignal): Promise<Result<IncomingMessage>> {
  return new Promise((done) => {
    const asking = request({ socketPath: path, path: what, signal }, (answer) => {
      asking.setTimeout(0);
      if (answer.statusCode === 200) done(success(answer));
      else {
        answer.resume();
        done(failure('sensor_away', `${path}: the sensor says ${answer.statusCode}`, 'is it of this version?'));
      }
    });
    asking.setTimeout(PATIENCE_MS, () => asking.destroy(new Error('no answer in time')));
    asking.on('error', () => done(away(path)));
    asking.end();
  });
}

export async function askStatus(path: string): Promise<Result<Status>> {
  const answer = await ask(path, '/status');
  if (!answer.ok) return answer;
  let text = '';
  try {
    answer.value.setEncoding('utf8');
    for await (const piece of answer.value) {
      text += piece;
      if (text.length > ANSWER_BYTES_MAX) break;
    }
    return success(JSON.parse(text) as Status);
  } catch {
    return away(path);
  }
}
