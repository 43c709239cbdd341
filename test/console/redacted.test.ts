// What the configuration hides is in no answer of the console's API: over real HTTP, on a real store.
import assert from 'node:assert/strict';
import { redactedQueries } from '../../src/console/redacted.ts';
import { type Policy, Redactor } from '../../src/schema/redact.ts';
import { type ConsoleWorld, openConsole, PASSWORD } from './world.ts';

const KEEP: Policy = { secret: 'keep', content: 'keep', person: 'keep', address: 'keep' };

describe('console: what is hidden', function () {
  this.timeout(180_000);
  let world: ConsoleWorld;
  let policy: Policy = KEEP;
  let cookie = '';

  before(async function () {
    // Read at each answer, so that one store serves all of them.
    world = await openConsole(this, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], (queries) => {
      const now = (): typeof queries => redactedQueries(queries, new Redactor(policy, Buffer.alloc(32, 1)));
      return {
        alerts: (q) => now().alerts(q),
        alert: (id) => now().alert(id),
        events: (refs) => now().events(refs),
        search: (q) => now().search(q),
        entity: (which) => now().entity(which),
        sensors: (from, to) => now().sensors(from, to),
        alertCounts: (q) => now().alertCounts(q),
        heldBack: () => now().heldBack(),
        marksOf: (ids) => now().marksOf(ids),
        sensorsOf: (ids) => now().sensorsOf(ids),
      };
    });
    const login = await fetch(new URL('/api/login', world.url), {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ password: PASSWORD, code: world.firstCode }),
    });
    cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] as string;
  });
  after(async () => world?.stop());

  /** Everything that the pages would ask about this alert. */
  async function all(): Promise<string> {
    const { alert } = world;
    const entity = (of: string): string => `/api/entity/${encodeURIComponent(of)}`;
    const paths = [
      ...['/api/alerts', `/api/alerts/${alert.id}`, '/api/sensors', entity(`host:${alert.hosts[0]}`)],
      ...alert.addrs.slice(0, 2).map((a) => `/api/search?q=${encodeURIComponent(a)}`),
      ...alert.addrs.slice(0, 2).map((a) => entity(`address:${a}`)),
      '/api/search?q=GET',
    ];
    let text = '';
    for (const path of paths) {
      const answer = await fetch(new URL(path, world.url), { headers: { cookie } });
      assert.equal(answer.status, 200, path);
      const body = (await answer.json()) as Record<string, unknown>;
      // What was asked for is known to who asked.
      if (path.startsWith('/api/search')) delete body.text;
      if (path.startsWith('/api/entity')) delete body.value;
      text += JSON.stringify(body);
    }
    return text;
  }

  it('nothing, unless it is asked for', async () => {
    policy = KEEP;
    const text = await all();
    for (const address of world.alert.addrs) assert.ok(text.includes(address), address);
  });

  for (const mode of ['hash', 'drop'] as const)
    it(`addresses, ${mode}`, async () => {
      policy = { ...KEEP, address: mode };
      const text = await all();
      for (const address of world.alert.addrs) assert.ok(!text.includes(address), address);
      for (const host of world.alert.hosts) assert.ok(!text.includes(host.replace(/^(mac|ip):/, '')), host);
      assert.match(text, / \d\d:\d\d:\d\d UTC/, 'a time is no address');
    });

  for (const mode of ['hash', 'drop'] as const)
    it(`content, ${mode}: the steps' words do not say it either`, async () => {
      policy = KEEP;
      const open = await all();
      const urls = [...open.matchAll(/"name":"(?:uri|url)","form":"text"[^\]]*?"values":\["([^"]{6,})"/g)].map(
        (m) => m[1],
      );
      assert.ok(urls.length > 0, 'the store has URLs');
      policy = { ...KEEP, content: mode };
      const text = await all();
      for (const url of urls) assert.ok(!text.includes(`"${url}"`), url);
    });
});
