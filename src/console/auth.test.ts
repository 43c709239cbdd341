import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ABSOLUTE_MS, Auth, FIRST_CODE_MS, IDLE_MS, PASSWORD_MAX, PASSWORD_MIN, WRONG_CODES_MAX } from './auth.ts';
import { HandClock } from './testing.ts';

const PASSWORD = 'x'.repeat(PASSWORD_MIN);

describe('console: who may look', function () {
  // Each right or wrong password costs a scrypt, as it has to.
  this.timeout(60_000);
  let dir = '';
  let clock = new HandClock();
  let codes: string[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-auth-'));
    clock = new HandClock();
    codes = [];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const open = (): Auth => {
    const auth = Auth.open({ dir, clock, onFirstCode: (code) => codes.push(code), sessionsMax: 2 });
    assert.ok(auth.ok, auth.ok ? '' : auth.fault.message);
    return auth.value;
  };
  const signedIn = async (auth: Auth, code = ''): Promise<string> => {
    const outcome = await auth.login(PASSWORD, code);
    assert.ok('token' in outcome, JSON.stringify(outcome));
    return outcome.token;
  };

  it('the first code sets the password once, however it is typed; then it is good for nothing', async () => {
    const auth = open();
    assert.match(codes[0] ?? '', /^([A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}$/);
    assert.deepEqual(await auth.login('x'.repeat(PASSWORD_MIN - 1), codes[0] as string), { refusal: 'password_short' });
    assert.deepEqual(await auth.login(PASSWORD, 'AAAA-AAAA-AAAA-AAAA'), { refusal: 'wrong' });
    assert.deepEqual(await auth.login(PASSWORD, ''), { refusal: 'wrong' });
    assert.equal(auth.isFirst, true);
    await signedIn(auth, (codes[0] as string).toLowerCase().replaceAll('-', ' '));
    assert.equal(auth.isFirst, false);
    assert.deepEqual(await auth.login('another password', codes[0] as string), { refusal: 'wrong' });
    const file = join(dir, 'console.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(file, 'utf8'), new RegExp(PASSWORD));
    const again = open();
    assert.equal(again.isFirst, false);
    await signedIn(again);
    assert.equal(codes.length, 1);
  });

  it('a code lasts its time, and so many mistakes', async () => {
    const auth = open();
    clock.now = FIRST_CODE_MS + 1;
    assert.deepEqual(await auth.login(PASSWORD, codes[0] as string), { refusal: 'expired' });
    assert.equal(codes.length, 2);
    for (let i = 0; i < WRONG_CODES_MAX - 1; i++) await auth.login(PASSWORD, 'wrong');
    assert.equal(codes.length, 2);
    await auth.login(PASSWORD, 'wrong');
    assert.equal(codes.length, 3, 'another one, which the guesses say nothing of');
    assert.deepEqual(await auth.login(PASSWORD, codes[1] as string), { refusal: 'wrong' });
    clock.now += FIRST_CODE_MS;
    await signedIn(auth, codes[2]);
  });

  it('a session ends when it idles, when it is old, when it is left, and when it is one too many', async () => {
    const auth = open();
    const token = await signedIn(auth, codes[0]);
    for (let i = 0; i < ABSOLUTE_MS / IDLE_MS; i++) {
      assert.equal(auth.check(token), true);
      clock.now += IDLE_MS;
    }
    assert.equal(auth.check(token), true, 'at the last moment');
    clock.now += 1;
    assert.equal(auth.check(token), false, 'too old');
    const idle = await signedIn(auth);
    clock.now += IDLE_MS + 1;
    assert.equal(auth.check(idle), false);
    const left = await signedIn(auth);
    auth.logout(left);
    assert.equal(auth.check(left), false);
    assert.equal(auth.check(undefined), false);
    assert.equal(auth.check('__proto__'), false);
    const [a, b, c] = [await signedIn(auth), await signedIn(auth), await signedIn(auth)];
    assert.deepEqual(
      [a, b, c].map((t) => auth.check(t)),
      [false, true, true],
      'two at most',
    );
  });

  it('refuses what is too long before it costs anything, and a file that is none', async () => {
    const auth = open();
    assert.deepEqual(await auth.login('x'.repeat(PASSWORD_MAX + 1), codes[0] as string), { refusal: 'password_long' });
    const outcome = await auth.login('x'.repeat(PASSWORD_MAX), codes[0] as string);
    assert.ok('token' in outcome);
    for (const text of ['', '{}', 'null', '{"version":1,"N":2,"r":8,"p":1,"salt":"","hash":""}']) {
      writeFileSync(join(dir, 'console.json'), text);
      const opened = Auth.open({ dir, clock, onFirstCode: () => undefined });
      assert.ok(!opened.ok && /console\.json: is no password file/.test(opened.fault.message), text);
    }
  });
});
