// Where sensors connect: TLS 1.3 alone, a web socket for those with a certificate of our authority, and one POST for
// those with a token that want one. Every wait has an end and everything that is held for a stranger has a limit.
import { createPublicKey, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { SENSOR_NAME } from '../config/schema.ts';
import { type Fault, type Result, success, systemFault } from '../lib/fault.ts';
import { CONTENT_PATH, ENROLL_PATH, SENSOR_PATH } from '../wire/agreed.ts';
import { MESSAGE_BYTES_MAX } from '../wire/frame.ts';
import type { Authority } from './authority.ts';
import { nothing, type Outcome, type Transfer, type Wanted } from './pulls.ts';
import type { Rollout } from './rollout.ts';
import { type CollectorServices, type Credit, Session } from './session.ts';
import type { Tokens } from './tokens.ts';

export const LIMITS = {
  sockets: 4096,
  socketsPerAddress: 20,
  /** Begun in one second, of all addresses. */
  handshakesPerSecond: 50,
  handshakeMs: 10_000,
  /** From the socket's beginning to its request, and from there to the hello. */
  requestMs: 5000,
  helloMs: 5000,
  /** Without a message or an answer to a ping. */
  silentMs: 45_000,
  enrollBytes: 8192,
  credit: { frames: 64, bytes: 4 << 20 },
};
export type Limits = typeof LIMITS;
const HEADER_BYTES_MAX = 4096;

export interface ListenerOptions extends CollectorServices {
  readonly authority: Authority;
  readonly tokens: Tokens;
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Content packs for sensors; undefined: there are none. */
  readonly rollout?: Pick<Rollout, 'answer'>;
  /** A sensor that was turned off; asked at each connection. */
  readonly isRevoked?: (sensor: string) => boolean;
  readonly limits?: Partial<Limits>;
}

export interface ListenerCounters {
  accepted: number;
  /** Turned away before they said anything. */
  turnedAway: number;
  /** Ended without a good handshake. */
  badHandshakes: number;
  enrolled: number;
}

export class Listener {
  readonly counters: ListenerCounters = { accepted: 0, turnedAway: 0, badHandshakes: 0, enrolled: 0 };
  private readonly options: ListenerOptions;
  private readonly limits: Limits;
  private readonly server: Server;
  private readonly sockets: WebSocketServer;
  private readonly sessions = new Map<string, Session>();
  private readonly open = new Set<WebSocket>();
  private readonly perAddress = new Map<string, number>();
  private count = 0;
  private second = 0;
  private handshakes = 0;

  private constructor(options: ListenerOptions) {
    this.options = options;
    this.limits = { ...LIMITS, ...options.limits };
    const { authority } = options;
    this.server = createServer({
      ...{ key: authority.server.key, cert: authority.server.cert, ca: authority.ca, minVersion: 'TLSv1.3' },
      // Whoever enrols has no certificate yet; who has none gets no further than that.
      ...{ requestCert: true, rejectUnauthorized: false, handshakeTimeout: this.limits.handshakeMs },
      ...{
        maxHeaderSize: HEADER_BYTES_MAX,
        requestTimeout: this.limits.requestMs,
        headersTimeout: this.limits.requestMs,
      },
      ...{ keepAlive: false, connectionsCheckingInterval: 1000 },
    });
    this.sockets = new WebSocketServer({
      ...{ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX, clientTracking: false },
      ...{ skipUTF8Validation: true },
    });
    this.server.on('connection', (socket) => this.admit(socket as Socket));
    this.server.on('tlsClientError', () => this.counters.badHandshakes++);
    this.server.on('clientError', (_error, socket) => socket.destroy());
    this.server.on('request', (request, response) => {
      const isContent = request.method === 'GET' && request.url?.startsWith(CONTENT_PATH) === true;
      if (isContent) void this.offer(request, response);
      else void this.enroll(request, response);
    });
    this.server.on('upgrade', (request, socket, head) => {
      const tls = socket as TLSSocket;
      const refuse = (status: string): void => {
        this.counters.turnedAway++;
        tls.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      };
      // A browser says where its script came from; a sensor is no browser.
      if (request.url !== SENSOR_PATH || request.headers.origin !== undefined) return refuse('404 Not Found');
      const name = this.nameOf(tls);
      if (name === undefined) return refuse('403 Forbidden');
      this.sockets.handleUpgrade(request, tls, head, (ws) => this.serve(ws, tls, name));
    });
  }

  static async open(options: ListenerOptions): Promise<Result<Listener>> {
    const listener = new Listener(options);
    const fault = await new Promise<Fault | undefined>((done) => {
      const failed = (error: Error): void =>
        done(systemFault('state_unusable', `${options.host}:${options.port}`, error));
      listener.server.once('error', failed);
      listener.server.listen(options.port, options.host, () => {
        listener.server.off('error', failed);
        done(undefined);
      });
    });
    return fault === undefined ? success(listener) : { ok: false, fault };
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  /** Connected and welcome. */
  get sensors(): readonly Session[] {
    return [...this.sessions.values()];
  }

  private admit(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const second = Math.floor(this.options.clock.monotonic() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.handshakes = 0;
    }
    const mine = this.perAddress.get(address) ?? 0;
    const { sockets, socketsPerAddress, handshakesPerSecond } = this.limits;
    if (this.count >= sockets || mine >= socketsPerAddress || this.handshakes >= handshakesPerSecond) {
      this.counters.turnedAway++;
      socket.destroy();
      return;
    }
    this.handshakes++;
    this.count++;
    this.counters.accepted++;
    this.perAddress.set(address, mine + 1);
    socket.once('close', () => {
      this.count--;
      const left = (this.perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.perAddress.delete(address);
      else this.perAddress.set(address, left);
    });
  }

  /** Who it is, by a certificate of our authority alone. */
  private nameOf(tls: TLSSocket): string | undefined {
    if (!tls.authorized) {
      const reason = String(tls.authorizationError ?? 'none');
      this.refused(
        'connect',
        'certificate',
        '',
        tls.remoteAddress ?? '',
        `no certificate of this collector: ${reason}`,
      );
      return undefined;
    }
    const name = tls.getPeerCertificate().subject?.CN;
    if (typeof name !== 'string' || !SENSOR_NAME.test(name)) return undefined;
    if (!this.options.isRevoked?.(name)) return name;
    this.refused('connect', 'revoked', name, tls.remoteAddress ?? '', 'the sensor was turned off');
    return undefined;
  }

  private serve(ws: WebSocket, tls: TLSSocket, name: string): void {
    const { clock } = this.options;
    const line = {
      address: tls.remoteAddress ?? '',
      send: (message: Buffer) => ws.readyState === ws.OPEN && ws.send(message),
      end: () => {
        ws.close(1008);
        clock.after(1000, () => ws.terminate());
      },
    };
    const session = new Session(this.options, name, line, this.credit(), (s) => this.claim(s));
    this.open.add(ws);
    let silence = clock.after(this.limits.silentMs, () => ws.terminate());
    const heard = (): void => {
      silence.cancel();
      silence = clock.after(this.limits.silentMs, () => ws.terminate());
    };
    const deadline = clock.after(this.limits.helloMs, () => {
      if (!session.isWelcome) session.refuse('deadline', 'no hello came');
    });
    ws.on('ping', heard);
    ws.on('message', (data, isBinary) => {
      heard();
      const message = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
      if (isBinary) session.receive(message);
      else session.refuse('protocol', 'a message of text');
    });
    // Too large a message, bad masking: ws has closed it, and says why.
    ws.on('error', (error) => session.refuse('protocol', error.message));
    ws.on('close', () => {
      silence.cancel();
      deadline.cancel();
      this.open.delete(ws);
      void session.finished();
      if (this.sessions.get(name) === session) this.sessions.delete(name);
    });
  }

  /** All sensors together hold no more than a thousand windows of memory. */
  private credit(): Credit {
    const { frames, bytes } = this.limits.credit;
    const share = Math.max(1, Math.ceil((this.sessions.size + 1) / 256));
    return {
      frames: Math.max(4, Math.floor(frames / share)),
      bytes: Math.max(MESSAGE_BYTES_MAX, Math.floor(bytes / share)),
    };
  }

  /** The newest connection of a sensor is the one; what the other had under way is awaited. */
  private async claim(s: Session): Promise<void> {
    const before = this.sessions.get(s.sensor);
    this.sessions.set(s.sensor, s);
    if (before === undefined || before === s) return;
    before.refuse('replaced', 'the sensor has connected again');
    await before.finished();
  }

  /** Packets that a sensor has kept, while it is connected; or why there are none. */
  pull(sensor: string, wanted: Wanted): Transfer | Outcome {
    const session = this.sessions.get(sensor);
    return session?.isWelcome === true
      ? session.pull(wanted)
      : nothing('stopped', `sensor '${sensor}' is not connected`);
  }

  /** Ends a sensor's connection, if it has one: after it was revoked. */
  disconnect(sensor: string): void {
    this.sessions.get(sensor)?.refuse('revoked', 'the sensor was turned off');
  }

  private refused(action: string, reason: string, actor: string, address: string, detail: string): void {
    this.options.audit({
      action,
      outcome: 'refused',
      reason,
      actor,
      address,
      target: actor,
      detail: detail.slice(0, 500),
    });
  }

  /** Packs go to those with a certificate alone. */
  private async offer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = this.nameOf(request.socket as TLSSocket);
    const { rollout } = this.options;
    if (name === undefined || rollout === undefined) {
      response.writeHead(name === undefined ? 403 : 404, { connection: 'close', 'content-length': 0 }).end();
      return;
    }
    await rollout.answer(name, request.url ?? CONTENT_PATH, response);
  }

  /** A token and a public key come, with a signature by the key over the token; a certificate goes. */
  private async enroll(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = request.socket.remoteAddress ?? '';
    const answer = (status: number, body: object): void => {
      const text = JSON.stringify(body);
      response.writeHead(status, {
        'content-type': 'application/json',
        connection: 'close',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    };
    if (request.url !== ENROLL_PATH || request.method !== 'POST') return answer(404, { error: 'not_found' });
    const no = (reason: string, detail: string, sensor = ''): void => {
      this.refused('enroll', reason, sensor, address, detail);
      answer(403, { error: reason });
    };
    const body = await this.body(request);
    if (body === undefined) return no('malformed', 'the request is too long, or broke off');
    const asked = enrollment(body);
    if (asked === undefined) return no('malformed', 'not a token, a key and a signature by it');
    const used = await this.options.tokens.use(asked.secret);
    if (!used.ok) return no('storage', used.fault.message);
    if (typeof used.value !== 'string') return no(used.value.refusal, 'its token is not good', used.value.sensor);
    const issued = await this.options.authority.issue(used.value, asked.publicKey);
    if (!issued.ok) return no('authority', issued.fault.message, used.value);
    this.counters.enrolled++;
    const done = { action: 'enroll', outcome: 'done', reason: '', actor: used.value, address, target: used.value };
    this.options.audit({ ...done, detail: 'a certificate was issued' });
    answer(200, { sensor: used.value, certificate: issued.value, ca: this.options.authority.ca });
  }

  private async body(request: IncomingMessage): Promise<string | undefined> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request) {
        size += (chunk as Buffer).length;
        if (size > this.limits.enrollBytes) return undefined;
        chunks.push(chunk as Buffer);
      }
    } catch {
      return undefined;
    }
    return Buffer.concat(chunks).toString();
  }

  /** Sensors are told to come back; what they sent is written or not acknowledged. */
  async close(): Promise<void> {
    const sessions = [...this.sessions.values()];
    for (const s of sessions) s.refuse('closing', 'the collector stops', 1);
    await Promise.all(sessions.map((s) => s.finished()));
    for (const ws of this.open) ws.terminate();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** What a stranger wants a certificate for, when it is made as it must be. */
function enrollment(body: string): { readonly secret: string; readonly publicKey: string } | undefined {
  try {
    const { secret, public_key: pem, proof } = JSON.parse(body) as Record<string, unknown>;
    if (typeof secret !== 'string' || typeof pem !== 'string' || typeof proof !== 'string') return undefined;
    const key = createPublicKey({ key: pem, format: 'pem', type: 'spki' });
    if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined;
    if (!verify('sha256', Buffer.from(secret), key, Buffer.from(proof, 'base64url'))) return undefined;
    return { secret, publicKey: key.export({ type: 'spki', format: 'pem' }).toString() };
  } catch {
    // Not JSON, or not a key: whatever a stranger sends.
    return undefined;
  }
}
