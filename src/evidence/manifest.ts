// What a seal says of one stretch of packet time: text, LF, keys in a fixed order, signed as it stands.
//
// A manifest names the SHA-256 of the one before it (`prev`), across epochs. `n` has no holes inside an epoch, and
// epochs none, so whoever deletes a segment deletes a number. The lines of 64 hex digits are as sha256sum writes
// them.
import { sha256 } from './signer.ts';

export const FORMAT = 'catenary-evidence v1';
/** `prev` of the first manifest ever. */
export const NOTHING_BEFORE = '0'.repeat(64);
/** Longer is no manifest of ours. */
export const MANIFEST_BYTES_MAX = 64 << 10;

/** The newest line of the custody log, and how many there are. */
export interface CustodyHead {
  readonly lines: number;
  /** SHA-256 of the line; NOTHING_BEFORE without any. */
  readonly head: string;
}

export interface Gap {
  /** restart: nothing ran; shed: the disk refused; lost: a crash, before it was sealed; clock: it was set back. */
  readonly reason: 'restart' | 'shed' | 'lost' | 'clock';
  /** Packet times [ns]; of the clock the wall times of two seals, the second before the first. */
  readonly from: bigint;
  readonly to: bigint;
}

export interface Manifest {
  readonly sensor: string;
  readonly epoch: number;
  readonly n: number;
  readonly prev: string;
  /** In the segment's folder; the segment first, then its index. None: of this stretch nothing was kept. */
  readonly files: readonly { readonly sha256: string; readonly name: string }[];
  /** Of the segment [bytes]. */
  readonly size: number;
  readonly packets: number;
  /** Packet times of the packets in it [ns]; 0 without any. */
  readonly first: bigint;
  readonly last: bigint;
  readonly leaves: number;
  readonly root: string;
  readonly interface: string;
  readonly filter: string;
  readonly snaplen: number;
  readonly software: string;
  readonly config: string;
  readonly counters: Readonly<Record<CounterName, number>>;
  /** The custody log when it was sealed. */
  readonly custody: CustodyHead;
  /** Wall time of sealing [us]. */
  readonly sealed: number;
  readonly recovered: boolean;
  readonly gaps: readonly Gap[];
}

export const COUNTERS = [
  ...(['ring_packets', 'ring_drops', 'taken', 'app_drops', 'decoded', 'written', 'cutoff', 'not_kept'] as const),
];
export type CounterName = (typeof COUNTERS)[number];

/** On one line, whatever stands in it. */
const plain = (text: string): string => JSON.stringify(text).slice(1, -1);

export function manifestText(m: Manifest): string {
  const lines = [
    FORMAT,
    `sensor=${plain(m.sensor)}`,
    `epoch=${m.epoch}`,
    `n=${m.n}`,
    `prev=${m.prev}`,
    ...m.files.map((f) => `${f.sha256}  ${f.name}`),
    `size=${m.size}`,
    `packets=${m.packets}`,
    `first_ts=${m.first}`,
    `last_ts=${m.last}`,
    `tree=rfc6962-sha256-block leaves=${m.leaves} root=${m.root}`,
    `interface=${plain(m.interface)}`,
    `filter=${plain(m.filter)}`,
    `snaplen=${m.snaplen}`,
    `software=${plain(m.software)}`,
    `config_sha256=${m.config}`,
    ...COUNTERS.map((name) => `${name}=${m.counters[name]}`),
    `custody=${m.custody.head} lines=${m.custody.lines}`,
    `clock=system sealed_us=${m.sealed}`,
    `recovered=${m.recovered ? 'yes' : 'no'}`,
    ...m.gaps.map((g) => `gap=${g.reason} from=${g.from} to=${g.to}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What retention and extraction need of a manifest; undefined: the text is none. */
export interface Sealed {
  readonly epoch: number;
  readonly n: number;
  readonly prev: string;
  /** Of the manifest's own bytes. */
  readonly hash: string;
  readonly files: readonly { readonly sha256: string; readonly name: string }[];
  readonly packets: number;
  readonly first: bigint;
  readonly last: bigint;
  readonly leaves: number;
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly custody: CustodyHead;
  /** Wall time [us]. */
  readonly sealed: number;
  readonly gaps: readonly Gap[];
}

const numberIn = (text = '', pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

export function parseManifest(text: string): Sealed | undefined {
  if (text.length > MANIFEST_BYTES_MAX || !text.startsWith(`${FORMAT}\n`)) return undefined;
  const values = new Map<string, string>();
  const files: { sha256: string; name: string }[] = [];
  const gaps: Gap[] = [];
  for (const line of text.split('\n').slice(1)) {
    const file = /^([0-9a-f]{64}) {2}([\w.-]{1,64})$/.exec(line);
    if (file !== null) files.push({ sha256: file[1] as string, name: file[2] as string });
    const gap = /^gap=(restart|shed|lost|clock) from=(\d{1,19}) to=(\d{1,19})$/.exec(line);
    if (gap !== null)
      gaps.push({ reason: gap[1] as Gap['reason'], from: BigInt(gap[2] as string), to: BigInt(gap[3] as string) });
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  const whole = (name: string): number => Number(/^\d{1,15}$/.exec(values.get(name) ?? '')?.[0] ?? Number.NaN);
  const time = (name: string): bigint => BigInt(/^\d{1,19}$/.exec(values.get(name) ?? '')?.[0] ?? '-1');
  const counters = Object.fromEntries(COUNTERS.map((c) => [c, whole(c)])) as Record<CounterName, number>;
  const sealed: Sealed = {
    ...{
      epoch: whole('epoch'),
      n: whole('n'),
      prev: values.get('prev') ?? '',
      hash: sha256(text),
      files,
      gaps,
      counters,
    },
    ...{ packets: whole('packets'), first: time('first_ts'), last: time('last_ts') },
    custody: {
      head: values.get('custody')?.slice(0, 64) ?? '',
      lines: numberIn(values.get('custody'), /^[0-9a-f]{64} lines=(\d{1,9})$/),
    },
    leaves: numberIn(values.get('tree'), / leaves=(\d{1,15}) /),
    sealed: numberIn(values.get('clock'), / sealed_us=(\d{1,16})$/),
  };
  const { epoch, n, packets, leaves, sealed: at } = sealed;
  const numbers = [epoch, n, packets, leaves, at, sealed.custody.lines, ...Object.values(counters)];
  if (numbers.some(Number.isNaN) || sealed.first < 0n || sealed.last < 0n) return undefined;
  return /^[0-9a-f]{64}$/.test(sealed.prev) ? sealed : undefined;
}
