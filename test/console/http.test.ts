// The console's door, over real HTTP: who is let in, what is refused and how, what every answer carries. The store is
// one that is not there, which is an answer too.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PacketDesk } from '../../src/collector/packet_desk.ts';
import { nothing, Transfer, type Wanted } from '../../src/collector/pulls.ts';
import type { Audit } from '../../src/collector/session.ts';
import { QUERY_TEXT_MAX } from '../../src/console/api.ts';
import { BODY_BYTES_MAX, Console, PATH_MAX, SOCKETS_A_VISITOR_MAX } from '../../src/console/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Queries } from '../../src/store/query.ts';
import { deskAt } from './desk.ts';

const PASSWORD = 'a span hangs between two';

interface Got {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

describe('console: the door', function () {
  this.timeout(30_000);
  let dir = '';
  let console_: Console;
  let queries: Queries;
  let code = '';
  let cookie = '';
  let desk: PacketDesk;
  const audits: Audit[] = [];
  const asked: Wanted[] = [];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-door-'));
    const nobody = { username: 'reader', password: 'x' };
    // Port 9 of loopback: discard, which nobody runs.
    queries = new Queries({ url: 'http://127.0.0.1:9', database: 'catenary', reader: nobody });
    // One sensor is there, and sends what is its alone to send.
    const pull = (sensor: string, wanted: Wanted) => {
      if (sensor !== 'berlin-1') return nothing('stopped', `sensor '${sensor}' is not connected`);
      asked.push(wanted);
      const transfer = new Transfer(1, wanted.bytes, () => undefined);
      transfer.take({ id: 1, offset: 0, bytes: Buffer.from('packets') });
      const sha256 = createHash('sha256').update('packets').digest('hex');
      transfer.end({ ...nothing('', ''), packets: 3, bytes: 7, sha256, segments: 2, deleted: 1 });
      return transfer;
    };
    const newId = (): string => randomBytes(16).toString('hex');
    desk = new PacketDesk({ dir: join(dir, 'fetched'), clock: systemClock, audit: (a) => audits.push(a), newId, pull });
    const started = await Console.start({
      ...{ queries, desk: deskAt(dir, queries), clock: systemClock, dir, host: '127.0.0.1', port: 0, packets: desk },
      onFirstCode: (c) => {
        code = c;
      },
    });
    assert.ok(started.ok, started.ok ? '' : started.fault.message);
    console_ = started.value;
  });
  after(async () => {
    await console_.stop();
    await queries.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const ask = (method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Got> =>
    new Promise((done, fail) => {
      const { hostname, port } = new URL(console_.url);
      const req = httpRequest({ hostname, port, method, path, headers, agent: false }, (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (part: string) => {
          text += part;
        });
        res.on('end', () => done({ status: res.statusCode ?? 0, headers: res.headers, text }));
      });
      req.on('error', fail);
      req.end(body);
    });
  const JSON_TYPE = { 'content-type': 'application/json' };
  const login = (headers: Record<string, string>, body: string): Promise<Got> =>
    ask('POST', '/api/login', { ...JSON_TYPE, ...headers }, body);

  it('without a session there is the page, health, and nothing else', async () => {
    for (const path of ['/', '/alerts/x', '/search', '/main.js', '/style.css', '/healthz', '/api/session'])
      assert.equal((await ask('GET', path)).status, 200, path);
    for (const path of [
      '/api/alerts',
      '/api/alerts/x',
      '/api/search?q=a',
      '/api/entity/host:x',
      '/api/sensors',
      '/api/event',
      '/api/allow',
    ])
      assert.equal((await ask('GET', path, { cookie: `catenary=${'A'.repeat(43)}` })).status, 401, path);
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/index.js', '/api', '/nothing', '/main.js/x'])
      assert.equal((await ask('GET', path)).status, 404, path);
  });

  it('every answer forbids what a page must never do', async () => {
    for (const path of ['/', '/main.js', '/api/alerts', '/nothing']) {
      const { headers } = await ask('GET', path);
      const policy = String(headers['content-security-policy']);
      for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
        assert.ok(policy.includes(part), `${path}: ${part}`);
      assert.doesNotMatch(policy, /unsafe|\*|http/);
      assert.deepEqual([headers['x-content-type-options'], headers['referrer-policy']], ['nosniff', 'no-referrer']);
    }
    const page = await ask('GET', '/');
    assert.doesNotMatch(page.text, /<style|style=|<script>|onload|https?:/, 'nothing inline, nobody else');
  });

  it('files are known by their content', async () => {
    const first = await ask('GET', '/main.js', { 'accept-encoding': 'gzip' });
    assert.equal(first.headers['content-encoding'], 'gzip');
    const etag = String(first.headers.etag);
    assert.equal((await ask('GET', '/main.js', { 'if-none-match': etag })).status, 304);
    assert.equal((await ask('GET', '/main.js', { 'if-none-match': '"other"' })).status, 200);
    assert.equal((await ask('HEAD', '/main.js')).text, '');
  });

  it('another site cannot sign anybody in or out, nor can a form', async () => {
    const body = JSON.stringify({ password: PASSWORD, code });
    assert.equal((await login({ origin: 'http://evil.example' }, body)).status, 403);
    assert.equal((await login({ 'sec-fetch-site': 'cross-site' }, body)).status, 403);
    assert.equal((await ask('POST', '/api/login', { 'content-type': 'text/plain' }, body)).status, 415);
    assert.equal((await ask('GET', '/api/login')).status, 405);
    assert.equal((await ask('GET', '/', { host: 'evil.example' })).status, 421, 'a name pointed at loopback');
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      assert.equal((await ask(method, '/api/alerts')).status, 405, method);
  });

  it('a body has a longest; then the code sets the password and opens a session', async () => {
    const padded = (bytes: number): string => {
      const text = JSON.stringify({ password: PASSWORD, code });
      return text + ' '.repeat(bytes - text.length);
    };
    assert.equal((await login({}, padded(BODY_BYTES_MAX + 1))).status, 400);
    const got = await login({}, padded(BODY_BYTES_MAX));
    assert.equal(got.status, 200);
    assert.match(String(got.headers['set-cookie']), /^catenary=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    cookie = String(got.headers['set-cookie']).split(';')[0] as string;
    assert.match((await ask('GET', '/api/session', { cookie })).text, /"signedIn":true,"isFirst":false/);
  });

  it('what is asked is checked, and the answer says what would do', async () => {
    const rows: readonly (readonly [path: string, status: number, error: RegExp])[] = [
      ['/api/alerts?severity=bad', 400, /severity.*critical/],
      ['/api/alerts?state=open', 400, /state.*new, acknowledged/],
      ['/api/alerts?page=0', 400, /page.*1 to/],
      ['/api/alerts?page=1e3', 400, /page/],
      ['/api/alerts?order=random', 400, /order.*score, newest/],
      ['/api/search', 400, /q: nothing/],
      [`/api/search?q=${'a'.repeat(QUERY_TEXT_MAX + 1)}`, 400, /q: too long/],
      ['/api/search?q=a&from=5&to=5', 400, /not after/],
      ['/api/search?q=a&kinds=conn,__proto__', 400, /kinds/],
      ['/api/search?q=a&form=sql', 400, /form/],
      ['/api/entity/nothing', 400, /CLASS:VALUE/],
      ['/api/entity/host:', 400, /CLASS:VALUE/],
      ['/api/entity/%zz', 400, /%25/],
      ['/api/sensors?days=0', 400, /days/],
      ['/api/sensors?days=401', 400, /1 to 400/],
      ['/api/nothing', 404, /no such address/],
      [`/${'a'.repeat(PATH_MAX - 1)}`, 404, /no such page/],
      [`/${'a'.repeat(PATH_MAX)}`, 414, /too long/],
    ];
    for (const [path, status, error] of rows) {
      const got = await ask('GET', path, { cookie });
      assert.equal(got.status, status, path);
      assert.match(got.text, error);
      assert.deepEqual(Object.keys(JSON.parse(got.text)), ['error', 'hint']);
    }
    for (const q of ['a'.repeat(QUERY_TEXT_MAX - 1), 'a'.repeat(QUERY_TEXT_MAX)])
      assert.equal((await ask('GET', `/api/search?q=${q}`, { cookie })).status, 503, 'asked, of a store that is away');
  });

  it('what is decided comes from a session, from this page, as JSON, of so many bytes; and is checked', async () => {
    const id = '00112233aabbccdd';
    const decide = (path: string, body: object | string, headers: Record<string, string> = { cookie }): Promise<Got> =>
      ask('POST', path, { ...JSON_TYPE, ...headers }, typeof body === 'string' ? body : JSON.stringify(body));
    const note = { act: 'note', text: 'looked at' };
    const at = `/api/alerts/${id}`;
    assert.equal((await decide(at, note, {})).status, 401);
    assert.equal((await decide(at, note, { cookie: `catenary=${'A'.repeat(43)}` })).status, 401);
    assert.equal((await decide(at, note, { cookie, origin: 'http://evil.example' })).status, 403);
    assert.equal((await decide(at, note, { cookie, 'sec-fetch-site': 'same-site' })).status, 403);
    assert.equal((await decide(at, note, { cookie, 'content-type': 'text/plain' })).status, 415);
    assert.equal((await ask('PUT', at, { ...JSON_TYPE, cookie }, '{}')).status, 405);
    assert.equal((await decide('/api/alerts/short', note)).status, 405);
    assert.equal((await decide(at, note)).status, 200);
    const scope = { chain: 'c', entity: 'host:mac:aa', value: '', sensor: '', days: 1 };
    const rows: readonly (readonly [path: string, body: object | string, error: RegExp])[] = [
      [at, 'no json', /no request/],
      [at, '[]', /act: not known/],
      [at, { act: 'shred', text: 'x' }, /act: not known.*ack, note, close or reopen/],
      [at, { act: 'note', text: '  ' }, /a note says something/],
      [at, { act: 'note', text: 7 }, /text: is no text/],
      [at, { act: 'note', text: 'x'.repeat(2001) }, /longer than 2000 bytes/],
      [at, { act: 'close', text: 'x', verdict: 'maybe' }, /'maybe' is no verdict.*true, false, benign/],
      [at, { act: 'close', text: '', verdict: 'true' }, /a verdict has a reason/],
      ['/api/allow', { ...scope, text: '' }, /an entry has a reason/],
      ['/api/allow', { ...scope, text: 'x', chain: '' }, /names a chain, or a value/],
      ['/api/allow', { ...scope, text: 'x', entity: 'planet:mars' }, /entity is CLASS:VALUE/],
      ['/api/allow', { ...scope, text: 'x', days: 0 }, /after 1 to 3660 days/],
      ['/api/allow', { ...scope, text: 'x', days: '1e9' }, /after 1 to 3660 days/],
      ['/api/allow/7', { text: 'x' }, /no entry 7/],
      [at, 'x'.repeat(BODY_BYTES_MAX + 1), /no request/],
    ];
    for (const [path, body, error] of rows) {
      const got = await decide(path, body);
      assert.equal(got.status, 400, `${path} ${JSON.stringify(body).slice(0, 60)}`);
      assert.match(got.text, error);
    }
    assert.equal((await decide(at, { act: 'close', text: 'it was so', verdict: 'true' })).status, 200);
    assert.match((await decide(at, { act: 'ack', text: '' })).text, /it is closed.*reopen it first/);
  });

  it('a store that is away is said so, without its address', async () => {
    for (const path of [
      '/api/alerts',
      '/api/alerts/x',
      '/api/entity/host:x',
      '/api/sensors',
      '/api/event?ref=a/1/1/1',
    ]) {
      const got = await ask('GET', path, { cookie });
      assert.equal(got.status, 503, path);
      assert.match(got.text, /the store does not answer.*catenary doctor/);
      assert.doesNotMatch(got.text, /127\.0\.0\.1|ECONN/);
    }
  });

  it('packets of a flow: asked for by who is signed in, from a page of this origin; told, then given out', async () => {
    const uid = 'CA1b2C3d4E5f';
    const want = { sensor: 'berlin-1', uid, at: 1.8e15, reason: 'alert 3f9a step 2' };
    const post = (body: object, headers: Record<string, string> = { cookie }): Promise<Got> =>
      ask('POST', '/api/packets', { ...JSON_TYPE, ...headers }, JSON.stringify(body));
    assert.equal((await post(want, {})).status, 401);
    assert.equal((await post(want, { cookie, origin: 'http://evil.example' })).status, 403);
    assert.equal((await ask('GET', '/api/packets', { cookie })).status, 405);
    assert.equal(asked.length, 0);
    const rows: readonly (readonly [more: object, status: number, error: RegExp])[] = [
      [{ sensor: '../etc' }, 400, /sensor/],
      [{ uid: 'x' }, 400, /uid/],
      [{ uid: `${uid}1` }, 400, /uid/],
      [{ at: -1 }, 400, /at/],
      [{ at: '1' }, 400, /at/],
      [{ reason: 'r'.repeat(201) }, 400, /reason/],
      [{ sensor: 'berlin-2' }, 503, /berlin-2' is not connected/],
    ];
    for (const [more, status, error] of rows) {
      const got = await post({ ...want, ...more });
      assert.equal(got.status, status, got.text);
      assert.match(got.text, error);
    }
    assert.equal((await post({ ...want, reason: 'r'.repeat(200) })).status, 200);
    const got = await post(want);
    const { id, packets, deleted } = JSON.parse(got.text) as Record<string, unknown>;
    assert.deepEqual([got.status, packets, deleted], [200, 3, 1]);
    const { actor, reason, from, to, filter } = asked.at(-1) as Wanted;
    assert.deepEqual([actor, reason, filter], ['console', 'alert 3f9a step 2', '']);
    assert.ok(from < want.at && want.at < to);
    assert.deepEqual(
      [audits.at(-1)?.action, audits.at(-1)?.outcome, audits.at(-1)?.address],
      ['packets', 'done', '127.0.0.1'],
    );
    const file = await ask('GET', `/api/packets/${id}`, { cookie });
    assert.deepEqual([file.text, file.headers['content-type']], ['packets', 'application/x-pcapng']);
    assert.match(String(file.headers['content-disposition']), /^attachment; filename="packets-[0-9a-f]{8}\.pcapng"$/);
    assert.equal((await ask('GET', `/api/packets/${id}`)).status, 401);
    for (const other of ['0'.repeat(32), '../keys', `${id}.`])
      assert.ok([404, 401].includes((await ask('GET', `/api/packets/${other}`, { cookie })).status), other);
  });

  it('logging out ends the session here, not only in the browser', async () => {
    const got = await ask('POST', '/api/logout', { ...JSON_TYPE, cookie }, '{}');
    assert.match(String(got.headers['set-cookie']), /Max-Age=0/);
    assert.equal((await ask('GET', '/api/alerts', { cookie })).status, 401);
  });

  it('guessing is slow, and one visitor cannot have all sockets', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await login({}, '{"password":"guess"}')).status);
    assert.ok(statuses.includes(429), `${statuses}`);
    const { hostname, port } = new URL(console_.url);
    const sockets = Array.from({ length: SOCKETS_A_VISITOR_MAX + 1 }, () => connect(Number(port), hostname));
    const closed = await new Promise<boolean>((done) => {
      for (const s of sockets) s.on('error', () => undefined).once('close', () => done(true));
    });
    assert.ok(closed);
    for (const s of sockets) s.destroy();
  });

  it('listens on loopback alone unless it has TLS', async () => {
    const options = {
      queries,
      desk: deskAt(dir, queries),
      clock: systemClock,
      dir,
      port: 0,
      onFirstCode: () => undefined,
    };
    const open = await Console.start({ ...options, host: '0.0.0.0' });
    assert.ok(!open.ok && /not on loopback/.test(open.fault.message));
    const { port } = new URL(console_.url);
    const taken = await Console.start({ ...options, host: '127.0.0.1', port: Number(port) });
    assert.ok(!taken.ok && /port is taken/.test(taken.fault.message));
  });
});
