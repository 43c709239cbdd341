import assert from 'node:assert/strict';
import { Packr } from 'msgpackr';
import {
  CONTROL_BYTES_MAX,
  CONTROL_ITEMS_MAX,
  CONTROL_TEXT_MAX,
  decodeControl,
  encodeControl,
  type Hello,
} from '../../src/wire/control.ts';
import {
  decodeFrame,
  encodeFrame,
  FRAME_BYTES_MAX,
  type Frame,
  HEAD_BYTES,
  isWireFault,
  MESSAGE_BYTES_MAX,
  RATIO_MAX,
} from '../../src/wire/frame.ts';
import { native, SCHEMA, weird } from './world.ts';

const frameOf = (bytes: Uint8Array, count = 1): Frame => ({
  ...{ epoch: 3, seq: 9, kind: 11, schema: SCHEMA, count, firstSeen: 5, lastSeen: 6 },
  ...{ bytes, crc: native.crc32c(bytes) },
});
const noise = (n: number): Buffer => {
  const b = Buffer.alloc(n);
  for (let i = 0, v = 1; i < n; i++) {
    v = (Math.imul(v, 1664525) + 1013904223) >>> 0;
    b[i] = v >>> 24;
  }
  return b;
};
const verdict = async (message: Buffer): Promise<string> => {
  const sent = await decodeFrame(native, message);
  return isWireFault(sent) ? `${sent.code}: ${sent.message}` : 'good';
};

const hello: Hello = {
  ...{ t: 'hello', protocol: 1, sensor: 'berlin-1', epoch: 3, schema: 1, acked: { epoch: 2, seq: 2 ** 40 } },
  ...{ live: null, software: 'test', pull: false },
};
const control = (body: unknown): Buffer => Buffer.concat([Buffer.of(2), new Packr({ useRecords: false }).pack(body)]);
const refusal = (message: Buffer): string => {
  const m = decodeControl(message, ['hello']);
  return isWireFault(m) ? `${m.code}: ${m.message}` : 'good';
};

describe('wire', () => {
  it('a frame there and back, compressed and not', async () => {
    for (const bytes of [weird(1).bytes, Buffer.alloc(5000, 'abcdefg0123456789xyz').fill('q', 0, 100), noise(5000)]) {
      for (const live of [true, false]) {
        const message = await encodeFrame(native, { frame: frameOf(bytes), after: 8, live });
        const sent = await decodeFrame(native, message);
        assert.ok(!isWireFault(sent));
        assert.deepEqual(
          { ...sent, frame: { ...sent.frame, bytes: Buffer.from(sent.frame.bytes) } },
          {
            frame: { ...frameOf(bytes), bytes: Buffer.from(bytes) },
            ...{ after: 8, live },
          },
        );
      }
    }
  });

  it('what shrinks more than anybody believes goes as it is', async () => {
    const zeros = Buffer.alloc(FRAME_BYTES_MAX);
    const message = await encodeFrame(native, { frame: frameOf(zeros), after: 8, live: false });
    assert.equal(message.length, HEAD_BYTES + zeros.length);
    assert.equal(await verdict(message), 'good');
    // The same, packed by somebody who does not care.
    const packed = await native.compress(zeros);
    assert.ok(typeof packed !== 'string' && packed.byteLength * RATIO_MAX < zeros.length);
    const bomb = Buffer.concat([message.subarray(0, HEAD_BYTES), Buffer.from(packed as ArrayBuffer)]);
    bomb[2] = 1;
    assert.equal(await verdict(bomb), 'compression: shrank more than is credible');
  });

  it('a frame at its limit and one more', async () => {
    for (const more of [-1, 0]) {
      const bytes = noise(FRAME_BYTES_MAX + more);
      assert.equal(await verdict(await encodeFrame(native, { frame: frameOf(bytes), after: 8, live: false })), 'good');
    }
    const large = frameOf(noise(FRAME_BYTES_MAX + 1));
    await assert.rejects(encodeFrame(native, { frame: large, after: 8, live: false }), RangeError);
    assert.match(await verdict(Buffer.alloc(MESSAGE_BYTES_MAX + 1, 1)), /^too_large/);
    const lie = await encodeFrame(native, { frame: frameOf(noise(100)), after: 8, live: false });
    lie.writeUInt32LE(FRAME_BYTES_MAX + 1, 64);
    assert.match(await verdict(lie), /^too_large/);
  });

  it('a frame cut anywhere, or with any byte of its head changed, is refused or only differs in what it says', async () => {
    const message = await encodeFrame(native, { frame: frameOf(noise(40), 3), after: 8, live: false });
    for (let n = 0; n < message.length; n++) assert.match(await verdict(message.subarray(0, n)), /^malformed/);
    // Kind, schema, count, epoch, seq, after and times are what validation and the stream's order judge.
    const free = [
      [4, 6],
      [8, 16],
      [24, 64],
    ];
    for (let at = 0; at < message.length; at++) {
      const bad = Buffer.from(message);
      bad[at] = (bad[at] as number) ^ 0x80;
      const v = await verdict(bad);
      if (!free.some(([from = 0, to = 0]) => from <= at && at < to)) assert.notEqual(v, 'good', `byte ${at}`);
    }
    const bad = Buffer.from(message);
    bad[HEAD_BYTES] = (bad[HEAD_BYTES] as number) ^ 1;
    assert.match(await verdict(bad), /^checksum/);
  });

  it('a control message there and back', () => {
    assert.deepEqual(decodeControl(encodeControl(hello), ['hello']), hello);
    assert.match(String(refusal(encodeControl({ t: 'credit', frames: 1, bytes: 1 }))), /not one of hello/);
  });

  it('200 bytes that declare a billion items cost nothing', () => {
    const bomb = Buffer.concat([Buffer.of(2), Buffer.alloc(200, Buffer.from('dd01ffffff', 'hex'))]);
    const before = process.memoryUsage().rss;
    assert.equal(refusal(bomb), 'malformed: 33554431 items');
    assert.ok(process.memoryUsage().rss - before < 64 << 20);
  });

  it('nesting, lengths that lie, extensions, binary, keys that are none', () => {
    const hex = (s: string): string =>
      refusal(Buffer.concat([Buffer.of(2), Buffer.from(s.replaceAll(' ', ''), 'hex')]));
    assert.match(refusal(Buffer.concat([Buffer.of(2), Buffer.alloc(1_000_000, 0x91)])), /^too_large/);
    assert.equal(refusal(Buffer.concat([Buffer.of(2), Buffer.alloc(4000, 0x91)])), 'malformed: nested too deep');
    assert.equal(hex('dbffffffff'), 'malformed: a text of 4294967295 bytes');
    assert.equal(hex('a5 61'), 'malformed: cut off');
    assert.equal(hex('81 01 01'), 'malformed: a key that is no text');
    assert.equal(hex('c4 01 00'), 'malformed: a value of type 0xc4');
    assert.equal(hex('d4 72 40'), 'malformed: a value of type 0xd4');
    assert.equal(hex('c7 01 70 00'), 'malformed: a value of type 0xc7');
    assert.equal(hex('c1'), 'malformed: a value of type 0xc1');
    assert.equal(hex('c0'), 'malformed: not one of hello');
    assert.equal(hex('01 01'), 'malformed: bytes after its end');
    assert.match(refusal(control({ ...hello, another: 1 })), /^malformed: hello/);
    assert.match(hex('82 a9 5f5f70726f746f5f5f 80 a1 74 a5 68656c6c6f'), /^malformed: hello/);
    assert.match(refusal(control({ ...hello, sensor: '../../etc' })), /hello: sensor/);
    assert.match(refusal(control({ ...hello, epoch: 0.5 })), /hello: epoch/);
    const whole = encodeControl(hello);
    for (let n = 0; n < whole.length; n++) assert.notEqual(refusal(whole.subarray(0, n)), 'good');
  });

  it('limits of control messages: one less, itself, one more', () => {
    const text = (n: number): string => refusal(control({ ...hello, software: 'x'.repeat(n) }));
    assert.deepEqual([text(CONTROL_TEXT_MAX - 1), text(CONTROL_TEXT_MAX)], ['good', 'good']);
    assert.equal(text(CONTROL_TEXT_MAX + 1), `malformed: a text of ${CONTROL_TEXT_MAX + 1} bytes`);
    const items = (n: number): string =>
      refusal(control(Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 0]))));
    assert.match(items(CONTROL_ITEMS_MAX - 1), /not one of/);
    assert.match(items(CONTROL_ITEMS_MAX), /not one of/);
    assert.equal(items(CONTROL_ITEMS_MAX + 1), `malformed: ${CONTROL_ITEMS_MAX + 1} items`);
    const padded = (n: number): string =>
      refusal(Buffer.concat([encodeControl(hello), Buffer.alloc(n)]).subarray(0, n));
    assert.match(padded(CONTROL_BYTES_MAX), /bytes after its end/);
    assert.match(padded(CONTROL_BYTES_MAX + 1), /^too_large/);
  });
});
