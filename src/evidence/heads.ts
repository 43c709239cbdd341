// The heads of a sensor's chains on their way to the collector, and its receipts on their way back (src/ship has the
// shape). What the collector refuses, or signs with another key than it did, is told once.
import { type Fault, failure, type Result, success } from '../lib/fault.ts';
import { fingerprintOf, keepReceipt, pinWitness, readReceipts, witnessKeyIn } from './receipts.ts';
import type { Segments } from './segments.ts';
import type { Signer } from './signer.ts';

/** As the collector answers. */
interface Answer {
  readonly chain: string;
  readonly leaves: number;
  readonly text: string;
  /** Base64. */
  readonly sig: string;
  /** PEM. */
  readonly key: string;
  readonly fault: string;
}

const REFUSALS: Readonly<Record<string, string>> = {
  fork: 'it has seen another past of this chain',
  key: 'it knows another key of this sensor',
  chains: 'this sensor has too many',
  storage: 'it cannot write',
};

export interface HeadsOptions {
  /** Where sensor.pub is and collector.pub comes. */
  readonly keys: string;
  readonly signer: Signer;
  /** Those that there are now. */
  readonly chains: () => Iterable<Segments>;
  /** The first receipt: with its key, the fingerprint is another one now. */
  readonly onWitness: (fingerprint: string) => void;
  readonly onFault: (fault: Fault) => void;
}

export class Heads {
  readonly key: string;
  private readonly o: HeadsOptions;
  /** Manifests that a receipt here speaks for, by chain. */
  private readonly countersigned = new Map<string, number>();
  private readonly told = new Set<string>();

  constructor(options: HeadsOptions) {
    this.o = options;
    this.key = options.signer.publicKey;
  }

  heads(): { chain: string; leaves: number; countersigned: number }[] {
    return [...this.o.chains()]
      .map((s) => ({ chain: s.chain, leaves: s.head.leaves, countersigned: this.countersignedOf(s) }))
      .filter((h) => h.countersigned < h.leaves);
  }

  hashes(chain: string, from: number, count: number): string[] {
    return this.chain(chain)?.leafHashes(from, count) ?? [];
  }

  sign(text: string): string {
    return this.o.signer.sign(text).toString('base64');
  }

  /** A receipt is kept when it speaks for all there is: those on the way there say nothing that it does not say. */
  take(answer: Answer): void {
    const segments = this.chain(answer.chain);
    if (segments === undefined) return;
    const { head } = segments;
    if (answer.fault !== '') {
      const why = REFUSALS[answer.fault] ?? answer.fault;
      this.tell(failure('state_unusable', `${answer.chain}: the collector does not countersign: ${why}`));
    } else if (answer.leaves > head.leaves) {
      const text = `${answer.chain}: the collector knows ${answer.leaves} seals, and here are ${head.leaves}`;
      this.tell(failure('state_unusable', text, 'seals were lost or taken away'));
    } else if (answer.leaves === head.leaves && answer.sig !== '' && this.countersignedOf(segments) < head.leaves)
      this.tell(this.keep(segments, answer));
  }

  private keep(segments: Segments, { key, text, sig }: Answer): Result<undefined> {
    const isFirst = witnessKeyIn(this.o.keys) === undefined;
    const pinned = pinWitness(this.o.keys, key);
    if (!pinned.ok) return pinned;
    const kept = keepReceipt(segments.dir, this.o.keys, { text, sig: Buffer.from(sig, 'base64') }, segments.head);
    if (!kept.ok) return kept;
    this.countersigned.set(segments.chain, kept.value.leaves);
    if (isFirst) this.o.onWitness(fingerprintOf(this.key, key));
    return success(undefined);
  }

  private tell(result: Result<undefined>): void {
    if (result.ok || this.told.has(result.fault.message)) return;
    this.told.add(result.fault.message);
    this.o.onFault(result.fault);
  }

  private countersignedOf(segments: Segments): number {
    const known = this.countersigned.get(segments.chain);
    if (known !== undefined) return known;
    const newest = readReceipts(segments.dir).at(-1)?.leaves ?? 0;
    this.countersigned.set(segments.chain, newest);
    return newest;
  }

  private chain(name: string): Segments | undefined {
    return [...this.o.chains()].find((s) => s.chain === name);
  }
}
