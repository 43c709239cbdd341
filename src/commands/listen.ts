// A few seconds of an interface, for whoever wants to know what it hears: `catenary setup`, `catenary doctor`.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReader } from '../capture/index.ts';
import { blockAt, PACKET, Places, packetOf, typeOf } from '../evidence/blocks.ts';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import type { Interface } from '../setup/interfaces.ts';
import { type Heard, Listener } from '../setup/traffic.ts';

/** Of a frame: headers, and enough of the content to know a copy by. */
const SNAPLEN = 256;
const SAMPLE_MAX = 200_000;
/** Of an enhanced packet block: where the packet begins. */
const FRAME_AT = 28;

/** What one interface hears in `ms`; the fault of opening it otherwise. */
export async function listen(at: Pick<Interface, 'name' | 'mac'>, ms: number, clock: Clock): Promise<Result<Heard>> {
  const dir = mkdtempSync(join(tmpdir(), 'catenary-listen-'));
  try {
    const opened = openReader({
      ...{ interface: at.name, kinds: [], snaplen: SNAPLEN, packetsMax: SAMPLE_MAX },
      packets: { dir, segmentSeconds: 3600 },
    });
    if (!opened.ok) return opened;
    const reader = opened.value;
    const alarm = clock.after(ms, () => reader.stop());
    for await (const drain of reader.drains()) if (!drain.ok) return drain;
    alarm.cancel();
    const error = reader.summary().files[0]?.error;
    if (error !== undefined) return failure('input_unreadable', `${at.name}: ${error}`);
    const listener = new Listener(at.mac);
    for (const name of readdirSync(dir).filter((n) => n.endsWith('.pcapng'))) replay(join(dir, name), listener);
    return success(listener.heard);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function replay(path: string, listener: Listener): void {
  const file = new Places(path);
  for (let offset = 0; offset < file.size; ) {
    const block = blockAt(file, offset);
    if (block === undefined) break;
    offset += block.length;
    const packet = typeOf(block) === PACKET ? packetOf(block) : undefined;
    if (packet === undefined) continue;
    const bytes = block.subarray(FRAME_AT, FRAME_AT + block.readUInt32LE(20));
    listener.take({ ts: packet.ts, bytes, wireBytes: block.readUInt32LE(24) });
  }
  file.close();
}
