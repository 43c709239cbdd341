// The console: a page and its API, over HTTP, for people with a browser.
//
//   request ─ limits ─ headers ─┬─ page's files           anybody may have them: they hold nothing
//                               ├─ /healthz, /api/session
//                               ├─ /api/login, /api/logout    same origin only, JSON only, counted
//                               ├─ /api/packets               the same, and a session
//                               └─ /api/...               a session, a place in the queue, the store
//                               ├─ /api/...               a session, a place in the queue, the store
//                               └─ POST /api/alerts, /api/allow   the same, and same origin, JSON: into the log of acts
//
// Without TLS it listens on loopback alone: the cookie of a session must not cross a network in the clear.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { type Answer, Api, refuse } from './api.ts';
import { Auth, NAME_MAX, PASSWORD_MAX, PASSWORD_MIN, type Refusal } from './auth.ts';
import type { Desk } from './desk.ts';
import { Gate, Rates, visitor } from './limits.ts';
import { type PacketDesk, Packets } from './packets.ts';
import type { Queries } from './queries.ts';
import type { SessionAnswer } from './shape.ts';
import { Assets, SECURITY_HEADERS } from './static.ts';

export const BODY_BYTES_MAX = 4096;
export const HEADER_BYTES_MAX = 8192;
export const PATH_MAX = 4096;
export const SOCKETS_MAX = 256;
export const SOCKETS_A_VISITOR_MAX = 32;
/** A page asks at most four things; a person turns pages. */
const REQUESTS = { burst: 120, everyMs: 50, keysMax: 4096 };
const LOGINS = { burst: 5, everyMs: 30_000, keysMax: 4096 };
/** Of all visitors together: a thousand addresses guess no faster than twenty. */
const ALL_LOGINS = { burst: 20, everyMs: 5_000, keysMax: 1 };
const QUERIES_MAX = 8;
const QUERIES_WAITING = 64;
const REQUEST_MS = 10_000;
const HEADERS_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

/** Built by make build, beside the compiled program; from src/ the same. */
export const BUILT_ASSETS = fileURLToPath(new URL('../../dist/console/web', import.meta.url));

/** What is done here that an auditor asks about. */
export interface ConsoleAct {
  readonly act: 'login' | 'login_refused' | 'logout';
  readonly visitor: string;
}

export interface ConsoleOptions {
  readonly queries: Queries;
  readonly desk: Desk;
  readonly clock: Clock;
  /** Where the password file is; made by whoever owns it. */
  readonly dir: string;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Files of certificate and key, PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly onFirstCode: (code: string) => void;
  readonly onAct?: (act: ConsoleAct) => void;
  readonly assets?: string;
  /** Where packets of sensors are fetched; none when left out. */
  readonly packets?: PacketDesk;
}

const REFUSALS: Readonly<Record<Refusal, readonly [status: number, error: string, hint: string]>> = {
  wrong: [401, 'that is not it', 'the password was set at the first login; the first code is on the terminal'],
  expired: [401, 'the code has expired', 'a new one was printed where the console was started'],
  password_short: [400, `the password is shorter than ${PASSWORD_MIN} characters`, 'a sentence is a good one'],
  password_long: [400, `the password is longer than ${PASSWORD_MAX} characters`, 'shorten it'],
  busy: [429, 'too many logins at once', 'try again in a few seconds'],
};

export class Console {
  readonly url: string;
  private readonly server: Server;
  private readonly sockets: ReadonlySet<Socket>;

  private constructor(server: Server, url: string, sockets: ReadonlySet<Socket>) {
    this.server = server;
    this.url = url;
    this.sockets = sockets;
  }

  /** Listens when it returns. */
  static async start(options: ConsoleOptions): Promise<Result<Console>> {
    const { host, port, tls } = options;
    const place = `console at ${host}:${port}`;
    if (tls === undefined && !LOOPBACK.test(host))
      return failure('config_invalid', `${place}: not on loopback, and without TLS`, 'give certificate and key');
    const assets = Assets.read(options.assets ?? BUILT_ASSETS);
    if (!assets.ok) return assets;
    const auth = Auth.open(options);
    if (!auth.ok) return auth;
    const listener = new Listener(options, assets.value, auth.value);
    const limits = { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS };
    let server: Server;
    try {
      server =
        tls === undefined
          ? createServer({ ...limits, keepAliveTimeout: KEEP_ALIVE_MS }, listener.handle)
          : createTlsServer(
              {
                ...{ ...limits, keepAliveTimeout: KEEP_ALIVE_MS, minVersion: 'TLSv1.3' },
                ...{ cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
              },
              listener.handle,
            );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined)
        return failure(
          'config_invalid',
          `${place}: certificate or key is unusable`,
          'give PEM files that belong together',
        );
      return { ok: false, fault: systemFault('config_invalid', place, error) };
    }
    server.maxConnections = SOCKETS_MAX;
    const sockets = new Set<Socket>();
    boundSockets(server, sockets);
    const listening = await listen(server, host, port);
    if (listening !== undefined)
      return failure('config_invalid', `${place}: ${listening}`, 'is another one running? give another port');
    const at = (server.address() as AddressInfo).port;
    const name = host.includes(':') ? `[${host}]` : host;
    return success(new Console(server, `${tls === undefined ? 'http' : 'https'}://${name}:${at}/`, sockets));
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

function listen(server: Server, host: string, port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      done(error.code === 'EADDRINUSE' ? 'the port is taken' : (error.code ?? error.message));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      // A connection that could not be taken is the visitor's loss, not the console's end.
      server.on('error', () => undefined);
      done(undefined);
    });
  });
}

/** One visitor cannot hold all the sockets. */
function boundSockets(server: Server, sockets: Set<Socket>): void {
  const held = new Map<string, number>();
  server.on('connection', (socket) => {
    const who = visitor(socket.remoteAddress);
    const n = (held.get(who) ?? 0) + 1;
    if (n > SOCKETS_A_VISITOR_MAX) {
      socket.destroy();
      return;
    }
    held.set(who, n);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (held.get(who) ?? 1) - 1;
      if (left === 0) held.delete(who);
      else held.set(who, left);
    });
  });
}

class Listener {
  private readonly options: ConsoleOptions;
  private readonly assets: Assets;
  private readonly auth: Auth;
  private readonly api: Api;
  private readonly requests: Rates;
  private readonly logins: Rates;
  private readonly allLogins: Rates;
  private readonly gate = new Gate(QUERIES_MAX, QUERIES_WAITING);
  private readonly cookie: string;
  private readonly packets: Packets;

  constructor(options: ConsoleOptions, assets: Assets, auth: Auth) {
    this.options = options;
    this.assets = assets;
    this.auth = auth;
    this.api = new Api(options.queries, options.desk, options.clock);
    this.requests = new Rates(options.clock, REQUESTS);
    this.logins = new Rates(options.clock, LOGINS);
    this.allLogins = new Rates(options.clock, ALL_LOGINS);
    // The prefix binds a cookie to this origin; browsers want Secure with it.
    this.packets = new Packets(options.packets, options.clock);
    this.cookie = options.tls === undefined ? 'catenary' : '__Host-catenary';
  }

  readonly handle: RequestListener = (req, res) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) res.setHeader(name, value);
    if (this.options.tls !== undefined) res.setHeader('strict-transport-security', 'max-age=31536000');
    this.answer(req, res).catch(() => {
      // A mistake of ours: the visitor learns that, and nothing of what it was.
      if (!res.headersSent) send(res, refuse(500, 'the console made a mistake', 'try again; tell who runs it'));
      else res.destroy();
    });
  };

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const target = req.url ?? '/';
    const wait = this.requests.take(visitor(req.socket.remoteAddress));
    if (wait > 0) return tooOften(res, wait);
    if (target.length > PATH_MAX || !target.startsWith('/'))
      return send(res, refuse(414, 'the address is too long', `at most ${PATH_MAX} characters`));
    // A name that somebody pointed at loopback is not this console.
    if (this.options.tls === undefined && !LOOPBACK.test(hostName(req)))
      return send(res, refuse(421, 'not the address of this console', 'use the one that was printed when it started'));
    const cut = target.indexOf('?');
    const path = cut < 0 ? target : target.slice(0, cut);
    if (path === '/api/login' || path === '/api/logout' || path === '/api/packets') return this.change(req, res, path);
    if (req.method === 'POST' && Api.decides(path)) return this.decide(req, res, path);
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('allow', 'GET, HEAD');
      return send(res, refuse(405, 'the console only answers questions', 'use GET'));
    }
    if (path === '/healthz') return send(res, { status: 200, body: { ok: true } });
    if (path === '/api/session') return this.session(req, res);
    if (!path.startsWith('/api/')) return this.file(req, res, path);
    if (!this.auth.check(this.token(req))) return send(res, refuse(401, 'not signed in', 'sign in at /'));
    if (path.startsWith('/api/packets/')) return this.packets.give(path, res);
    const params = new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1));
    // Who went away while waiting asks the store nothing: turning pages quickly must not fill the queue.
    const done = await this.gate.run(async () => (res.destroyed ? undefined : this.api.route(path, params)));
    if (res.destroyed) return;
    send(res, done?.value ?? refuse(503, 'too many questions at once', 'try again in a few seconds'));
  }

  private file(req: IncomingMessage, res: ServerResponse, path: string): void {
    const asset = this.assets.find(path);
    if (asset === undefined) {
      send(res, refuse(404, 'there is no such page', 'the console begins at /'));
      return;
    }
    res.setHeader('etag', asset.etag);
    res.setHeader('cache-control', 'no-cache');
    res.setHeader('vary', 'accept-encoding');
    if (req.headers['if-none-match'] === asset.etag) {
      res.writeHead(304).end();
      return;
    }
    const isPacked = /\bgzip\b/.test(req.headers['accept-encoding'] ?? '');
    const bytes = isPacked ? asset.gzip : asset.bytes;
    if (isPacked) res.setHeader('content-encoding', 'gzip');
    res.writeHead(200, { 'content-type': asset.type, 'content-length': bytes.length });
    res.end(req.method === 'HEAD' ? undefined : bytes);
  }

  private session(req: IncomingMessage, res: ServerResponse): void {
    const signedIn = this.auth.check(this.token(req));
    send(res, { status: 200, body: { signedIn, isFirst: this.auth.isFirst } satisfies SessionAnswer });
  }

  /** What changes something: only from a page of this origin, and only as JSON, which no form can send. */
  private async change(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    if (req.method !== 'POST') {
      res.setHeader('allow', 'POST');
      return send(res, refuse(405, 'this is asked by POST', 'use the page'));
    }
    const foreign = foreignTo(req);
    if (foreign !== undefined) return send(res, foreign);
    const who = visitor(req.socket.remoteAddress);
    if (path === '/api/logout') {
      this.auth.logout(this.token(req));
      this.options.onAct?.({ act: 'logout', visitor: who });
      res.setHeader('set-cookie', this.cookieText('', 0));
      return send(res, { status: 200, body: {} });
    }
    if (path === '/api/packets') {
      if (!this.auth.check(this.token(req))) return send(res, refuse(401, 'not signed in', 'sign in at /'));
      return send(res, await this.packets.fetch(await readBody(req), who, res));
    }
    const wait = Math.max(this.logins.take(who), this.allLogins.take(''));
    if (wait > 0) return tooOften(res, wait);
    const body = await readBody(req);
    const { password, code, name } = body ?? {};
    if (typeof password !== 'string' || (code !== undefined && typeof code !== 'string'))
      return send(res, refuse(400, 'no password', `JSON of at most ${BODY_BYTES_MAX} bytes with "password"`));
    const said = typeof name === 'string' ? Buffer.from(name.trim().slice(0, NAME_MAX)).toString() : '';
    const outcome = await this.auth.login(password, code ?? '', said);
    if ('refusal' in outcome) {
      this.options.onAct?.({ act: 'login_refused', visitor: who });
      return send(res, refuse(...REFUSALS[outcome.refusal]));
    }
    this.auth.logout(this.token(req));
    this.options.onAct?.({ act: 'login', visitor: who });
    res.setHeader('set-cookie', this.cookieText(outcome.token));
    send(res, { status: 200, body: {} });
  }

  /** What somebody decides about alerts: of a session, and from a page of this origin alone. */
  private async decide(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    const foreign = foreignTo(req);
    if (foreign !== undefined) return send(res, foreign);
    const token = this.token(req);
    if (!this.auth.check(token)) return send(res, refuse(401, 'not signed in', 'sign in at /'));
    const body = await readBody(req);
    if (body === undefined)
      return send(res, refuse(400, 'no request', `a JSON object of at most ${BODY_BYTES_MAX} bytes`));
    const actor = this.auth.nameOf(token) || 'console';
    const who = { actor, address: visitor(req.socket.remoteAddress) };
    const done = await this.gate.run(() => this.api.decide(path, body, who));
    send(res, done?.value ?? refuse(503, 'too many questions at once', 'try again in a few seconds'));
  }

  private cookieText(token: string, maxAge?: number): string {
    const secure = this.options.tls === undefined ? '' : '; Secure';
    const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`;
    return `${this.cookie}=${token}; Path=/; HttpOnly; SameSite=Strict${secure}${age}`;
  }

  private token(req: IncomingMessage): string | undefined {
    for (const part of (req.headers.cookie ?? '').split(';')) {
      const [name, value] = part.trim().split('=');
      if (name === this.cookie && value !== undefined && /^[\w-]{43}$/.test(value)) return value;
    }
    return undefined;
  }
}

const hostName = (req: IncomingMessage): string =>
  (req.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** What changes something comes from a page of this origin, and as JSON, which no form can send. */
function foreignTo(req: IncomingMessage): Answer | undefined {
  if (!isOwnPage(req)) return refuse(403, 'asked by another site', 'open the console itself');
  const isJson = /^application\/json\b/.test(req.headers['content-type'] ?? '');
  return isJson ? undefined : refuse(415, 'not JSON', 'use the page');
}

/** Browsers say where a request comes from; one that says nothing is no browser, and has no cookie to abuse. */
function isOwnPage(req: IncomingMessage): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const { origin, host } = req.headers;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

/** Undefined: not JSON, no object, or too long. */
async function readBody(req: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  if (Number(req.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return undefined;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function tooOften(res: ServerResponse, waitMs: number): void {
  res.setHeader('retry-after', Math.ceil(waitMs / 1000));
  send(res, refuse(429, 'asked too often', `try again in ${Math.ceil(waitMs / 1000)} s`));
}

function send(res: ServerResponse, { status, body }: Answer): void {
  const text = JSON.stringify(body);
  res.setHeader('cache-control', 'no-store');
  // What is left of a refused request's body is not read on.
  if (status >= 400) res.setHeader('connection', 'close');
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  res.end(res.req.method === 'HEAD' ? undefined : text);
}
