// The captures we craft must be right by somebody else's judgement too: libpcap and tcpdump verify checksums elsewhere;
// here, that what was put in comes out, and that a broken file is nothing rather than an exception.
import assert from 'node:assert/strict';
import { fuzzInputs, packets, payloads, tcpCapture, udpCapture } from './pcap.mjs';

const say = (fromOrig: boolean, text: string) => ({ fromOrig, data: Buffer.from(text) });
const texts = (file: Buffer) => payloads(file).map((b: Buffer) => b.toString());

describe('pcap', () => {
  it('gives back the payloads of TCP', () => {
    const file = tcpCapture(80, [say(true, 'one'), say(false, 'two'), say(true, 'three')]);
    assert.deepEqual(texts(file), ['one', 'two', 'three']);
    assert.equal(packets(file).list.length, 3 + 3 * 2 + 3);
  });

  it('gives back the payloads of UDP', () => {
    assert.deepEqual(texts(udpCapture(53, [say(true, 'q'), say(false, 'a')])), ['q', 'a']);
  });

  it('makes a flow a fuzz input: side, length, bytes', () => {
    const file = tcpCapture(80, [say(true, 'one'), say(false, 'two!')]);
    assert.deepEqual(
      fuzzInputs(file).map((b: Buffer) => b.toString('latin1')),
      ['\x00\x00\x03one\x01\x00\x04two!'],
    );
  });

  it('survives a file cut anywhere', () => {
    const file = tcpCapture(80, [say(true, 'one')]);
    for (let n = 0; n < file.length; n++) payloads(file.subarray(0, n));
    assert.deepEqual(payloads(Buffer.from('not a capture, but long enough to be one')), []);
  });
});
