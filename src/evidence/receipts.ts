// What the collector has countersigned: a chain of seals had so many manifests, with this root, when it was asked.
// Whoever rewrites a chain afterwards needs the collector's key as well as the sensor's.
//
//   DIR/receipts    one line a receipt: its text and its signature, as the collector sent them
import { createHash, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../lib/durable.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { appendLine, readLines } from './lines.ts';

export const RECEIPTS = 'receipts';
export const WITNESS_KEY = 'collector.pub';
export const RECEIPT_FORMAT = 'catenary-receipt v1';

export interface Receipt {
  /** As signed. */
  readonly text: string;
  /** 64 bytes. */
  readonly sig: Buffer;
  /** Manifests that it speaks for: the first so many of the chain. */
  readonly leaves: number;
  /** By the collector's clock [us]. */
  readonly received: number;
}

function receiptOf(text: string, sig: Buffer): Receipt | undefined {
  const leaves = /^tree=\S+ leaves=(\d{1,10}) root=[0-9a-f]{64}$/m.exec(text)?.[1];
  const received = /^received_us=(\d{1,16})$/m.exec(text)?.[1];
  if (!text.startsWith(`${RECEIPT_FORMAT}\n`) || leaves === undefined || received === undefined) return undefined;
  return { text, sig, leaves: Number(leaves), received: Number(received) };
}

export function readReceipts(dir: string): Receipt[] {
  return readLines(join(dir, RECEIPTS)).flatMap((line) => {
    const [text = '', sig = ''] = line.split(' ').map((part) => Buffer.from(part, 'base64'));
    const receipt = receiptOf(text.toString(), Buffer.from(sig));
    return receipt === undefined ? [] : [receipt];
  });
}

/**
 * The key of the collector that countersigns, for good: the first one that comes is written down.
 * Errors: another one is there already.
 */
export function pinWitness(keys: string, pem: string): Result<undefined> {
  const path = join(keys, WITNESS_KEY);
  try {
    if (!existsSync(path)) writeDurably(path, pem, 0o644);
    if (readFileSync(path, 'utf8') === pem) return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
  return failure('state_unusable', `${path}: the collector signs with another key now`, 'ask who changed it');
}

/** Keeps a receipt that is signed by the pinned key, for a head that we have. @param root  hex */
export function keepReceipt(
  dir: string,
  keys: string,
  told: { readonly text: string; readonly sig: Buffer },
  head: { readonly leaves: number; readonly root: string },
): Result<Receipt> {
  const path = join(dir, RECEIPTS);
  try {
    const receipt = receiptOf(told.text, told.sig);
    if (receipt === undefined || !told.text.includes(` leaves=${head.leaves} root=${head.root}\n`))
      return failure('input_undecodable', `${path}: what the collector signed is not what was asked`);
    if (!verify(null, Buffer.from(told.text), readFileSync(join(keys, WITNESS_KEY), 'utf8'), told.sig))
      return failure('input_undecodable', `${path}: a receipt is not signed by ${WITNESS_KEY}`);
    appendLine(path, `${Buffer.from(told.text).toString('base64')} ${told.sig.toString('base64')}`);
    return success(receipt);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
}

/**
 * What a person compares through another channel: SHA-256 of sensor.pub, and of collector.pub behind it where a
 * collector countersigns. So a forger needs both keys, and neither side can leave the other out.
 */
export const fingerprintOf = (sensorKey: string, witnessKey: string | undefined): string =>
  createHash('sha256')
    .update(sensorKey)
    .update(witnessKey ?? '')
    .digest('hex');

export const witnessKeyIn = (keys: string): string | undefined =>
  existsSync(join(keys, WITNESS_KEY)) ? readFileSync(join(keys, WITNESS_KEY), 'utf8') : undefined;
