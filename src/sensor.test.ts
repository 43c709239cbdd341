// A sensor in this process, on a history that it reads as if it had heard it.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conversation, type End, httpOk, Pcap } from '../test/founding/packets.ts';
import { alertsIn, worldAt } from '../test/founding/run.ts';
import { randomRow } from '../test/random.ts';
import { loadAddon } from './capture/addon.ts';
import { worldFor } from './commands/testing.ts';
import { loadConfig } from './config/config.ts';
import { systemClock } from './lib/clock.ts';
import { decodeBatch } from './schema/decode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import { KIND_NAMES } from './schema/gen/structures.gen.ts';
import { contentHash } from './schema/order.ts';
import { sensor } from './sensor.ts';
import { START } from './spool/log.ts';
import { Spool } from './spool/spool.ts';

const CONCLUDED = ['signal', 'sighting', 'identity', 'alert'];

describe('a sensor', function () {
  this.timeout(120_000);
  let folder = '';
  let capture = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-sensor-'));
    capture = worldAt(folder, 'founding', { hosts: 8, moves: 2 }).file;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** @param isHangup  asked at each look at the clock, which goes so fast that each frame is worth a commit */
  async function run(name: string, isHangup: () => boolean): Promise<{ said: string[]; stderr: string }> {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(
      file,
      `sensor: { name: s1 }\nstate: { dir: ${name} }\nmemory: { budget_mb: 8 }\nevidence: { packets_mb: 0, files_mb: 0 }\n`,
    );
    const config = loadConfig(file);
    assert.ok(config.ok);
    let hangup = (): void => undefined;
    let now = 0;
    const { world, stderr } = worldFor({
      clock: {
        ...systemClock,
        monotonic: () => {
          if (isHangup()) hangup();
          now += 10_000;
          return now;
        },
      },
      onHangup: (handler) => {
        hangup = handler;
        return () => undefined;
      },
    });
    const code = await sensor({ config: config.value, configFile: file, captures: [capture] }, world);
    assert.equal(code, 0, stderr.text);
    return { said: await spoken(join(folder, name)), stderr: stderr.text };
  }

  /** Every conclusion in the spool. */
  async function spoken(dir: string): Promise<string[]> {
    const addon = loadAddon();
    assert.ok(addon.ok);
    const { crc32c } = addon.value;
    const opened = await Spool.open({
      ...{ dir: join(dir, 'spool'), sensor: 's1', schema: SCHEMA, clock: systemClock, budgetBytes: 1 << 30, crc32c },
    });
    assert.ok(opened.ok);
    const spool = opened.value;
    const said: string[] = [];
    for await (const frame of spool.read(START, { to: spool.durable })) {
      const kind = KIND_NAMES[frame.kind];
      if (kind === undefined || !CONCLUDED.includes(kind)) continue;
      for (const event of decodeBatch(kind, frame.bytes)) said.push(`${kind} ${contentHash(kind, event)}`);
    }
    await spool.close();
    return said.sort();
  }

  it('that reads its configuration again, whenever, concludes what it would have: no more, no less', async () => {
    const calm = await run('calm', () => false);
    assert.ok(alertsIn(join(folder, 'calm')).length > 0, 'the story is told');
    const random = randomRow(5);
    const disturbed = await run('disturbed', () => random() < 0.1);
    const reloads = disturbed.stderr.match(/configuration taken over/g)?.length ?? 0;
    assert.ok(reloads > 10, `${reloads} reloads`);
    assert.deepEqual(disturbed.said, calm.said);
  });

  const SECRETS = { secret: 'guest-PLANTED-1@example.net', content: '/q/PLANTED-2', person: 'user-PLANTED-3' } as const;
  for (const mode of ['keep', 'hash', 'drop'] as const)
    it(`what is hidden is written nowhere: ${mode}`, async () => {
      const pcap = new Pcap();
      const here = (port: number): End => ({ mac: '02:00:00:00:00:01', ip: '10.0.0.1', port });
      const there = (port: number): End => ({ mac: '02:00:00:00:00:02', ip: '192.0.2.9', port });
      const line = (text: string): Buffer => Buffer.from(`${text}\r\n`);
      const at = conversation(pcap, 1.8e15, here(4001), there(21), [
        ...([
          [false, line('220 ready')],
          [true, line('USER anonymous')],
          [false, line('331 your address')],
          [true, line(`PASS ${SECRETS.secret}`)],
          [false, line('230 welcome')],
          [true, line('RETR x')],
          [false, line('550 no')],
        ] as const),
      ]);
      const basic = Buffer.from(`${SECRETS.person}:hunter`).toString('base64');
      const get = `GET ${SECRETS.content} HTTP/1.1\r\nHost: h.example\r\nAuthorization: Basic ${basic}\r\n\r\n`;
      conversation(pcap, at + 1e6, here(4002), there(80), [
        ...([
          [true, Buffer.from(get)],
          [false, httpOk('text/plain', Buffer.from('no'))],
        ] as const),
      ]);
      const name = `planted-${mode}`;
      writeFileSync(join(folder, `${name}.pcap`), pcap.bytes());
      const file = join(folder, `${name}.yaml`);
      writeFileSync(
        file,
        `sensor: { name: s1 }\nstate: { dir: ${name} }\nmemory: { budget_mb: 8 }\n` +
          `evidence: { packets_mb: 0, files_mb: 0 }\nredact: { secret: ${mode}, content: ${mode}, person: ${mode} }\n`,
      );
      const config = loadConfig(file);
      assert.ok(config.ok);
      const { world, stderr, stdout } = worldFor({});
      const captures = [join(folder, `${name}.pcap`)];
      assert.equal(await sensor({ config: config.value, configFile: file, captures }, world), 0, stderr.text);
      const dir = join(folder, name);
      const kept = readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((e) => e.isFile())
        .map((e) => readFileSync(join(e.parentPath, e.name), 'latin1'));
      const all = [...kept, stderr.text, stdout.text].join('');
      assert.ok(all.includes('h.example'), 'the rest is there');
      for (const planted of Object.values(SECRETS)) assert.equal(all.includes(planted), mode === 'keep', planted);
      assert.equal(/redacted:[0-9a-f]{16}/.test(all), mode === 'hash');
      assert.ok(!all.includes('hunter'), 'a password of basic authentication is never kept');
    });
});
