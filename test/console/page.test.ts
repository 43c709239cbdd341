// Every page in a real browser, on a real store with the founding story and with hostile texts in it: it says what is
// so, nothing a stranger wrote runs, nothing breaks out of its place. SHOTS=folder keeps a picture of each page.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { openBrowser } from './browser.ts';
import { ENDLESS, HOSTILE } from './hostile.ts';
import { type ConsoleWorld, openConsole, PASSWORD } from './world.ts';

const SHOTS = process.env.SHOTS ?? '';
/** What a terminal or a line would obey: C0 but tab and line end, C1, zero width, directions. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;
/** What a search box has been broken with before. */
const SEARCHED = [0, 12, 23, 25, 36, 40, 50, 54].map((i) => HOSTILE[i] as string);
const TEXTS = [...HOSTILE, ENDLESS];

describe('console: pages in a browser', function () {
  this.timeout(180_000);
  let world: ConsoleWorld;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained of, and every request that was not to the console. */
  const complaints: string[] = [];

  const shot = async (name: string): Promise<void> => {
    if (SHOTS === '') return;
    mkdirSync(SHOTS, { recursive: true });
    for (const width of [1280, 1920])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(SHOTS, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  };
  const open = async (path: string, wait: string): Promise<void> => {
    await page.goto(new URL(path, world.url).href);
    await page.waitForSelector(wait);
  };
  const text = async (selector: string): Promise<string> => (await page.locator(selector).first().innerText()).trim();
  /** Nothing is wider than the window, save what scrolls in its own box; and no row is taller than texts make it. */
  const fits = async (): Promise<void> => {
    const width = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    const [needs, has] = width as [number, number];
    assert.ok(needs <= has, `${page.url()} needs ${needs} of ${has} pixels`);
  };
  const isCalm = (): void => assert.deepEqual(complaints.splice(0), []);

  before(async function () {
    browser = await openBrowser(this);
    world = await openConsole(this, TEXTS);
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'Asia/Tokyo' });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(world.url).origin });
    await context.addInitScript('window.booms = 0; window.boom = () => { window.booms++; };');
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('console', (m) => {
      if (m.type() === 'error' || m.type() === 'warning') complaints.push(`${m.type()}: ${m.text()}`);
    });
    page.on('pageerror', (e) => complaints.push(`thrown: ${e.message}`));
    page.on('dialog', (d) => complaints.push(`dialog: ${d.message()}`));
    page.on('request', (r) => {
      if (!r.url().startsWith(world.url)) complaints.push(`request to ${r.url()}`);
    });
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  it('the first login sets the password with the code, later ones take it', async () => {
    await open('/', '#code');
    await shot('login-first');
    await page.fill('#code', world.firstCode.toLowerCase());
    await page.fill('#password', PASSWORD);
    await page.click('button[type=submit]');
    await page.waitForSelector('table.alerts');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForSelector('#password');
    assert.equal(await page.locator('#code').count(), 0, 'the code is used up');
    await page.fill('#password', 'not the password');
    await page.click('button[type=submit]');
    await page.waitForSelector('[role=alert]');
    assert.match(await text('[role=alert]'), /that is not it/);
    await shot('login');
    await page.fill('#password', PASSWORD);
    await page.fill('#name', 'anna');
    await page.click('button[type=submit]');
    await page.waitForSelector('table.alerts');
    // The refused one is an answer with status 401, which the browser writes down.
    assert.deepEqual(
      complaints.splice(0).filter((c) => !c.includes('401')),
      [],
    );
    const cookie = (await context.cookies())[0];
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, cookie?.expires], [true, 'Strict', -1]);
    assert.deepEqual(
      world.acts.map((a) => a.act),
      ['login', 'logout', 'login_refused', 'login'],
    );
  });

  it('alerts read themselves: severity, story, host by name, when, how long it slept', async () => {
    await open('/?severity=medium', 'table.alerts tbody tr');
    const row = await text('table.alerts tbody tr');
    assert.match(row, /^medium/);
    assert.match(row, /dropper-dormant-beacon/);
    assert.match(row, /laptop-7\s+mac:02:10:00:00:00:17/);
    assert.match(row, /2023-12-\d\d \d\d:\d\d:\d\d\s+\d.* ago/, 'UTC, whatever the zone of the browser');
    assert.match(row, /30\.9 d/);
    await fits();
    await open('/', 'table.alerts tbody tr:nth-child(2)');
    await shot('alerts');
    await fits();
    isCalm();
  });

  it('keys: / to the search box, j and k along rows, Enter opens', async () => {
    await open('/', 'table.alerts tbody tr:nth-child(2)');
    const active = (): Promise<unknown> =>
      page.evaluate('document.activeElement.getAttribute("href") ?? document.activeElement.id');
    await page.keyboard.press('j');
    const first = await active();
    await page.keyboard.press('j');
    assert.notEqual(await active(), first);
    assert.equal(await active(), `/alerts/${world.alert.id}`, 'the critical one is before it');
    await page.keyboard.press('k');
    assert.equal(await active(), first);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForSelector('ol.steps');
    assert.equal(new URL(page.url()).pathname, `/alerts/${world.alert.id}`);
    await page.keyboard.press('/');
    assert.equal(await active(), 'search');
    await page.keyboard.type('jk');
    assert.equal(await page.inputValue('#search'), 'jk', 'keys are letters while somebody types');
    await page.keyboard.press('Escape');
    assert.notEqual(await active(), 'search');
    await page.goBack();
    await page.waitForSelector('table.alerts');
    isCalm();
  });

  it('an alert shows its chain in time, why each step matched, its reservations and how to prove it', async () => {
    await open(`/alerts/${world.alert.id}`, '.timeline svg');
    assert.match(await text('.story'), /30\.9 days later/);
    const timeline = await page.locator('.timeline svg').innerHTML();
    assert.match(timeline, /30\.9 days/, 'the gap is on the line');
    assert.match(timeline, /2023-12-\d\d/, 'and the days under it');
    assert.equal(await page.locator('.timeline .dot').count(), world.alert.step_ids.length);
    assert.match(await text('ol.steps .gap'), /30\.9 days later/);
    const why = await page.locator('.why').first().innerText();
    assert.match(why, /is_executable\(file\.mime_type\)/);
    assert.match(why, /file\.direction = "download"/);
    assert.match(why, /could not be known/);
    assert.match(await text('.note.careful'), /young memory.*younger than the chain asks/is);
    await page.locator('.step summary').first().click();
    await page.waitForSelector('.step .fields');
    assert.match(await text('.step .fields'), /http:\/\/files\.invoice-portal\.example\/invoice_2231\.exe/);
    await page.getByRole('button', { name: 'Copy' }).first().click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(
      await page.evaluate('navigator.clipboard.readText()'),
      `catenary evidence export ${world.alert.id} --dir EVIDENCE --alerts alerts.ndjson --out evidence.tar`,
    );
    await page.locator('.packets button').first().click();
    await page.waitForSelector('.packets a');
    const fetched = await page.locator('.packets').first().innerText();
    assert.match(fetched, /3 packets, .*pcapng/);
    assert.match(fetched, /sha256 [0-9a-f]{64}/);
    assert.match(fetched, /deleted since: 1 segment of that time/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.packets a').first().click()]);
    assert.match(download.suggestedFilename(), /^packets-[0-9a-f]{8}\.pcapng$/);
    await shot('alert');
    await fits();
    isCalm();
  });

  it('one box finds an address, a part of a text, and says when; a column leads into its time', async () => {
    await open('/', '#search');
    await page.keyboard.press('/');
    await page.keyboard.type('10.20.1.17');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.histogram svg');
    assert.match(await text('.facts'), /exactly this address/);
    const total = Number((await text('.head > span')).replace(/\D/g, ''));
    assert.ok(total > 100, `${total} events`);
    assert.ok((await page.locator('.histogram .bar').count()) > 10, 'the days of the story are told apart');
    await shot('search');
    await fits();
    await page.locator('.histogram a').last().click();
    await page.waitForURL(/from=/);
    await page.waitForSelector('.facts a[href="/search?q=10.20.1.17"]');
    const part = Number((await text('.head > span')).replace(/\D/g, ''));
    assert.ok(part > 0 && part < total, `${part} of ${total}`);
    await open('/search?q=badcdn&form=contains', '.events summary');
    assert.match(await text('.events'), /telemetry-sync\.badcdn\.example/);
    await page.locator('.events summary').first().click();
    await page.waitForSelector('.events .fields');
    await shot('search-open');
    await open('/search?q=nobody.example', '.note');
    assert.match(await text('.note'), /nothing found/i);
    await shot('search-nothing');
    await open('/search', '.note');
    assert.match(await text('.note'), /type into the box/i);
    isCalm();
  });

  it('entities: since when, until when, with whom, under which names, in which alerts', async () => {
    await open(`/entity/host/${encodeURIComponent('mac:02:10:00:00:00:17')}`, 'table.alerts');
    assert.match(await text('main'), /laptop-7\s+host name, by dhcp/);
    assert.match(await text('main'), /10\.20\.1\.17\s+address, by dhcp/);
    assert.match(await text('table.alerts'), /dropper-dormant-beacon/);
    assert.match(await text('.figures'), /Seen on\s+63 days/);
    assert.match(await text('table.peers'), /10\.20\.0\.53/, 'its resolver');
    await shot('entity-host');
    await fits();
    await open('/entity/domain/telemetry-sync.badcdn.example', '.figures');
    assert.match(await text('table.alerts'), /dropper-dormant-beacon/);
    await shot('entity-domain');
    await open('/entity/address/10.20.1.17', '.figures');
    assert.match(await text('.figures'), /First seen\s+2023-11-\d\d/);
    assert.match(await text('.figures'), /Sent, received/);
    assert.match(await text('table.peers'), /10\.20\.0\.53/, 'its resolver');
    await shot('entity-address');
    await open(`/entity/file/${world.alert.hashes[0]}`, '.figures');
    assert.match(await text('main'), /invoice_2231\.exe/);
    await shot('entity-file');
    await open('/entity/domain/nobody.example', '.note');
    assert.match(await text('.note'), /does not know/);
    isCalm();
  });

  it('sensors: who listens, and what they lost', async () => {
    await open('/sensors', 'table.sensors');
    const rows = await page.locator('table.sensors tbody tr').allInnerTexts();
    assert.match(rows[1] ?? '', /losing\s+span-2.*1,000,000,000.*99\.99988 %.*1,234/s);
    assert.match(rows[1] ?? '', /5\.0 MB/);
    await shot('sensors');
    await fits();
    isCalm();
  });

  it('dark and light: by the system, by the switch, remembered', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await open('/', 'table.alerts');
    const background = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const dark = await background();
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await background();
    assert.notEqual(dark, light);
    await page.getByRole('button', { name: /^Theme/ }).click();
    await page.waitForSelector('html[data-theme=dark]');
    assert.equal(await background(), dark);
    await page.reload();
    await page.waitForSelector('table.alerts');
    assert.equal(await background(), dark);
    await page.getByRole('button', { name: /^Theme/ }).click();
    await page.getByRole('button', { name: /^Theme/ }).click();
    isCalm();
  });

  it('what comes from right to left turns nothing around it', async () => {
    await open(`/search?q=${encodeURIComponent('\u05e9\u05dc\u05d5\u05dd')}&form=contains`, '.events summary');
    const places = (await page.evaluate(
      '[...document.querySelectorAll(".events .line")].map((l) => [...l.querySelectorAll("bdi")].map((b) => b.getBoundingClientRect().left))',
    )) as number[][];
    assert.ok(places.length >= 3);
    for (const lefts of places)
      assert.deepEqual(
        lefts,
        [...lefts].sort((a, b) => a - b),
      );
    isCalm();
  });

  it(`${TEXTS.length} hostile texts are texts: nothing runs, nothing leaves its place, nothing is invisible`, async () => {
    const places = [
      ['/', 'table.alerts'],
      [`/alerts/${encodeURIComponent(world.hostile.id)}`, 'ol.steps'],
      ['/search?q=198.51.100.7', '.events summary'],
      ['/search?q=198.51.100.7&kinds=file', '.events summary'],
      ['/search?q=198.51.100.7&kinds=dns', '.events summary'],
      [`/search?q=${encodeURIComponent('<script>boom()</script>')}&form=contains`, '.events summary'],
      ['/entity/address/198.51.100.7', 'article'],
      [`/entity/host/${encodeURIComponent(world.hostile.hosts[0] as string)}`, 'article'],
      ['/sensors', 'table.sensors'],
    ] as const;
    for (const [i, [path, wait]] of places.entries()) {
      await open(path, wait);
      // Ten of what can be opened: each asks for what its list left out.
      await page.evaluate('for (const d of [...document.querySelectorAll("details")].slice(0, 10)) d.open = true;');
      if (path.includes('search')) await page.waitForSelector('.events .fields');
      await fits();
      assert.equal(await page.evaluate('window.booms'), 0, `${path}: something ran`);
      const foreign =
        'main script, main iframe, main img, main object, main embed, main style, main form, main base, main a[href^="javascript"]';
      assert.equal(await page.locator(foreign).count(), 0, `${path}: a text became markup`);
      assert.equal(
        await page.locator('main a:not([href^="/"]):not([href^="#"])').count(),
        0,
        `${path}: a link leads out`,
      );
      const shown = await page.locator('main').innerText();
      assert.doesNotMatch(shown, OBEYED, path);
      const towers =
        'Math.max(0, ...[...document.querySelectorAll("table.alerts tr, .events summary")].map((e) => e.offsetHeight))';
      assert.ok(((await page.evaluate(towers)) as number) < 220, `${path}: a row became a tower`);
      if (i === 0 || i === 1 || i === 6) await shot(`hostile-${i}`);
      if (i === 2 && SHOTS !== '') {
        await page.evaluate(
          'for (const d of document.querySelectorAll("details")) d.open = d === document.querySelector("details");',
        );
        await shot('hostile-2');
      }
    }
    // Searched for, each as it is: the address of the page holds it whole.
    for (const t of SEARCHED) {
      await page.fill('#search', t);
      await Promise.all([page.waitForResponse((r) => r.url().includes('/api/search')), page.keyboard.press('Enter')]);
    }
    assert.equal(await page.evaluate('window.booms'), 0);
    isCalm();
  });

  it('an alert lives: noted, acknowledged, closed with a verdict, and others like it are held back', async () => {
    const at = `/alerts/${world.alert.id}`;
    await open(at, '.life');
    assert.match(await text('.life .state'), /new/);
    assert.match(await text('main'), /Nobody has done anything about it yet/);
    assert.match(await text('section[aria-labelledby=weighed]'), /Severity medium: 55 of 100.*Score: 55 ×/s);
    // Whatever somebody pastes into a note is a text.
    for (const note of [HOSTILE.slice(0, 30).join('\n'), 'W'.repeat(1900)]) {
      await page.getByRole('button', { name: 'Note', exact: true }).click();
      await page.fill('#text', note);
      await page.getByRole('button', { name: 'Add note' }).click();
      await page.waitForSelector('.deciding', { state: 'detached' });
    }
    await page.waitForSelector('.acts li:nth-child(2)');
    assert.equal(await page.evaluate('window.booms'), 0);
    assert.doesNotMatch(await page.locator('main').innerText(), OBEYED);
    await fits();
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.waitForSelector('.life .state-acknowledged');
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await page.locator('input[name=verdict][value=benign]').check();
    await page.fill('#text', 'the backup of the file server');
    await page.getByLabel('Hold back others like it').check();
    await shot('alert-close');
    await fits();
    await page.getByRole('button', { name: 'Close alert' }).click();
    await page.waitForSelector('.life .state-closed');
    const history = await text('.acts');
    assert.match(history, /anna.*acknowledged it/s);
    assert.match(history, /anna.*closed it: benign.*the backup of the file server/s);
    assert.match(history, /holds back others like it by entry \d/);
    await shot('alert-closed');
    await open('/', 'table.alerts');
    assert.doesNotMatch(await text('table.alerts'), /dropper-dormant-beacon/, 'what is closed is not open');
    await open('/?state=closed', 'table.alerts tbody tr');
    assert.match(await text('table.alerts'), /dropper-dormant-beacon.*closed/s);
    assert.match(await text('nav[aria-label=State]'), /open 1.*acknowledged 0.*closed 1.*held back 0/s);
    // Another alert of the same comes.
    const { alert } = world;
    await world.comes({ ...alert, id: 'abcdefabcdefabcd', first: alert.first + 1, starts: ['other'] });
    await open('/?state=suppressed', 'table.alerts tbody tr');
    assert.match(await text('table.alerts'), /dropper-dormant-beacon.*held back/s);
    await shot('alerts-held');
    await open('/alerts/abcdefabcdefabcd', '.life .state-suppressed');
    assert.match(await text('.acts'), /allow-list held it back by entry \d.*the backup of the file server/s);
    await open('/allow', 'table.allow tbody tr');
    assert.match(await text('table.allow'), /chain\s+dropper-dormant-beacon.*the backup of the file server.*anna/s);
    assert.equal((await text('table.allow tbody tr td:nth-child(4)')).trim().charAt(0), '1', 'it has held back one');
    await shot('allow');
    await fits();
    await page.getByRole('button', { name: 'Take off' }).click();
    await page.fill('.removal input', 'that server is gone');
    await page.locator('.removal button').click();
    await page.waitForSelector('table.allow tr.over');
    assert.match(await text('table.allow'), /taken off by anna.*that server is gone/s);
    await open(at, '.life');
    await page.getByRole('button', { name: 'Reopen' }).click();
    await page.locator('.deciding button[type=submit]').click();
    await page.waitForSelector('.life .state-new');
    isCalm();
  });

  it('what is refused says why, and what was written stays in the form', async () => {
    await open(`/alerts/${world.alert.id}`, '.life');
    await page.getByRole('button', { name: 'Hold back others' }).click();
    await page.selectOption('select[name=chain]', '');
    await page.selectOption('select[name=value]', '');
    await page.fill('#text', 'all of it');
    await page.locator('.deciding button[type=submit]').click();
    assert.match(await text('[role=alert]'), /names a chain, or a value/i);
    assert.equal(await page.inputValue('#text'), 'all of it');
    assert.equal(complaints.splice(0).filter((c) => !c.includes('400')).length, 0);
  });

  it('an alert that is not there, a page that is not there, a session that ended', async () => {
    await open('/alerts/nothing', '[role=alert]');
    assert.match(await text('[role=alert]'), /no alert has this id/);
    await context.clearCookies();
    await open('/', '#password');
    assert.equal(complaints.splice(0).filter((c) => !/40[14]/.test(c)).length, 0);
  });
});
