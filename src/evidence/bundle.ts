// `catenary evidence export ALERT`: everything that proves one alert, in one folder or archive that needs nothing of
// ours to be checked.
//
//   alert.json  story.html  events.ndjson
//   packets/step-N.pcapng .proof   original blocks of the step's flow, and that they are in sealed segments
//   files/SHA256.enc               encrypted with a published word
//   manifests/ receipts/           seals of the segments of that time, and what the collector countersigned
//   sensor.pub collector.pub       who signed; the second where a collector countersigns
//   custody.ndjson                 lines of the custody log about this alert, a signature behind each
//   verify.sh
//   bundle.manifest .sig           the list of all of these, signed
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { failure, type Result, success } from '../lib/fault.ts';
import type { Entry } from '../lib/tar.ts';
import { assess } from './assess.ts';
import { flowNumber } from './blocks.ts';
import { type Chain, readChains, sealedSegments } from './chain.ts';
import { chainEntries, manifestName, type Time } from './chain_proof.ts';
import { custodyOf } from './custody.ts';
import {
  extract,
  pcapngOf,
  proofIn,
  proofOfCopy,
  type Section,
  type SegmentTree,
  type Trees,
  treeOf,
} from './extract.ts';
import { contentOf, encrypted } from './files.ts';
import { copiesOf } from './leases.ts';
import { type StoryStep, storyPage } from './page.ts';
import { blocksProof, type SectionProof } from './proof.ts';
import { fingerprintOf, WITNESS_KEY, witnessKeyIn } from './receipts.ts';
import { PUBLIC_KEY, type Signer, sha256 } from './signer.ts';
import { VERIFY_SH } from './verify_script.ts';

/** Steps of one alert, other starts included, that a bundle has evidence of. */
export const STEPS_MAX = 256;
/** Of alerts.ndjson, which is read whole. */
export const ALERTS_BYTES_MAX = 256 << 20;

/** Where the parts of an evidence folder are. */
export const folders = (dir: string): { packets: string; files: string; leases: string; keys: string } => ({
  ...{ packets: join(dir, 'packets'), files: join(dir, 'files'), leases: join(dir, 'leases'), keys: join(dir, 'keys') },
});

export interface StepEvidence {
  readonly step: string;
  readonly packets: number;
  readonly state: 'whole' | 'partial' | 'none';
  readonly reasons: readonly string[];
  /** Of its file, where it had one: '' when the file is in the bundle. */
  readonly file: string | undefined;
}

export interface Bundle {
  readonly entries: readonly Entry[];
  readonly steps: readonly StepEvidence[];
  /** What verify.sh is told through another channel. */
  readonly fingerprint: string;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const objects = (v: unknown): Json[] => (Array.isArray(v) ? v.filter(isObject) : []);
const text = (v: unknown): string => (typeof v === 'string' ? v : '');
const micros = (v: unknown): number | undefined => (typeof v === 'number' ? v * 1e6 : undefined);

/** The line of alerts.ndjson with this id, in its latest revision; ids may be shortened to eight digits. */
export function findAlert(path: string, id: string): Result<Json> {
  if (!/^[0-9a-f]{8,64}$/.test(id))
    return failure('usage', `'${id}' is no id of an alert`, "see 'catenary evidence list'");
  let found: Json | undefined;
  for (const alert of alertsIn(path)) {
    if (!alert.ok) return alert;
    if (!text(alert.value.id).startsWith(id)) continue;
    if (found !== undefined && found.id !== alert.value.id)
      return failure('usage', `'${id}' is the beginning of several ids`, 'write more of it');
    found = alert.value;
  }
  return found === undefined
    ? failure('usage', `${path}: has no alert ${id}`, "see 'catenary evidence list'")
    : success(found);
}

export function* alertsIn(path: string, bytesMax = ALERTS_BYTES_MAX): Generator<Result<Json>> {
  if (statSync(path).size > bytesMax) {
    yield failure('input_undecodable', `${path}: is longer than ${bytesMax} bytes`, 'cut it: one alert a line');
    return;
  }
  const lines = readFileSync(path, 'utf8').split('\n');
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    if (!isObject(value)) {
      yield failure('input_undecodable', `${path}:${i + 1}: is no alert`, 'name the alerts.ndjson of an analysis');
      return;
    }
    yield success(value);
  }
}

interface Evidence {
  readonly summary: StepEvidence;
  readonly entries: readonly Entry[];
  /** Of the packets of each flow, and of the record where that has a flow of its own. */
  readonly times: readonly Time[];
  /** CHAIN/STEM of those that its packets are from. */
  readonly segments: readonly string[];
}

/** What a bundle is made of, and what makes it. */
interface Sources {
  readonly dir: string;
  readonly chains: readonly Chain[];
  readonly trees: Trees;
  /** Of segments that were read once. */
  readonly known: Map<string, SegmentTree>;
}

async function proofOf(section: Section, from: Sources): Promise<Result<SectionProof | undefined>> {
  if (section.proof !== undefined || !section.path.startsWith(folders(from.dir).packets))
    return success(proofOfCopy(section));
  const known = from.known.get(section.path);
  if (known !== undefined) return success(proofIn(known, section));
  const made = await treeOf(from.trees, section.path);
  if (!made.ok) return made;
  // One at a time: a tree has 68 bytes a block, and steps ask for the same segments one after another.
  from.known.clear();
  from.known.set(section.path, made.value);
  return success(proofIn(made.value, section));
}

const nanos = (us: number): bigint => BigInt(Math.floor(us)) * 1000n;

/** As far as a record says when it was. */
function spanOf(record: Json): Time {
  const from = micros(record.first ?? record.ts) ?? 0;
  return { from: nanos(from), to: nanos(Math.max(from, micros(record.seen) ?? from)) + 999n };
}

/** Packet times of a flow: of its packets and, when it is the record's own, of the record. */
function timeOf(record: Json, sections: readonly Section[]): Time | undefined {
  const times = sections.flatMap((s) => s.packets.map((p) => p.ts));
  if (typeof record.uid === 'string' && record.ts !== undefined) times.push(...Object.values(spanOf(record)));
  const [first] = times;
  if (first === undefined) return undefined;
  return times.reduce(({ from, to }, t) => ({ from: t < from ? t : from, to: t > to ? t : to }), {
    from: first,
    to: first,
  });
}

async function stepEvidence(from: Sources, step: Json, n: number): Promise<Result<Evidence>> {
  const at = folders(from.dir);
  const record = isObject(step.record) ? step.record : {};
  const entries: Entry[] = [];
  const uids = typeof record.uid === 'string' ? [record.uid] : Array.isArray(record.uids) ? record.uids.map(text) : [];
  const flows: Omit<StepEvidence, 'file' | 'step'>[] = [];
  const all: Section[] = [];
  const proofs: SectionProof[] = [];
  const times: Time[] = [];
  for (const uid of new Set(uids)) {
    const flow = flowNumber(uid);
    if (flow === undefined || from.chains.length === 0) continue;
    const copies = copiesOf(at.leases, uid);
    const found = extract(flow, copies, sealedSegments(from.chains));
    if (!found.ok) return found;
    const { sections } = found.value;
    const time = timeOf(record, sections);
    if (time !== undefined) times.push(time);
    const copied = sections.flatMap((s) => (s.proof === undefined ? [] : [s.proof.segment]));
    const about = { ...found.value, ...(time ?? spanOf(record)) };
    flows.push({ packets: about.packets, ...assess(from.chains, about, copied) });
    for (const section of sections) {
      const proof = await proofOf(section, from);
      if (!proof.ok) return proof;
      all.push(section);
      if (proof.value !== undefined) proofs.push(proof.value);
    }
  }
  if (all.length > 0) {
    const name = (segment: string): string => {
      const [chain, stem = ''] = segment.split('/');
      const known = from.chains.find((c) => c.name === chain);
      return known === undefined ? `manifests/?-${stem}.manifest` : manifestName(known, stem);
    };
    entries.push({ name: `packets/step-${n}.pcapng`, bytes: pcapngOf(all) });
    entries.push({ name: `packets/step-${n}.proof`, bytes: Buffer.from(blocksProof(proofs, name)) });
  }
  const packets = { step: text(step.step), ...together(flows) };
  const hash = text(record.sha256);
  let file: string | undefined;
  if (hash !== '') {
    const content = contentOf(at.files, hash);
    file = 'missing' in content ? content.missing : '';
    if (!('missing' in content)) entries.push({ name: `files/${hash}.enc`, bytes: encrypted(content.bytes) });
  }
  return success({ entries, times, segments: proofs.map((p) => p.segment), summary: { ...packets, file } });
}

/** Of all flows of a step. */
function together(flows: readonly Omit<StepEvidence, 'file' | 'step'>[]): Omit<StepEvidence, 'file' | 'step'> {
  if (flows.length === 0) return { packets: 0, state: 'none', reasons: ['names no flow'] };
  const isAll = (state: StepEvidence['state']): boolean => flows.every((f) => f.state === state);
  return {
    packets: flows.reduce((sum, f) => sum + f.packets, 0),
    state: isAll('whole') ? 'whole' : isAll('none') ? 'none' : 'partial',
    reasons: [...new Set(flows.flatMap((f) => f.reasons))],
  };
}

const told = (e: StepEvidence): string => {
  const packets =
    e.packets === 0
      ? `No packets: ${e.reasons.join(', ')}.`
      : `${e.packets} packet${e.packets === 1 ? '' : 's'}${e.state === 'whole' ? '' : `, not all: ${e.reasons.join(', ')}`}.`;
  if (e.file === undefined) return packets;
  return `${packets} ${e.file === '' ? 'The file is here.' : `The file ${e.file}.`}`;
};

/**
 * @param dir      the evidence folder
 * @param alert    its line of alerts.ndjson
 * @param exported wall time [us]
 */
export async function bundleOf(
  dir: string,
  alert: Json,
  trees: Trees,
  signer: Signer,
  software: string,
  exported: number,
): Promise<Result<Bundle>> {
  const at = folders(dir);
  const from: Sources = { dir, chains: existsSync(at.packets) ? readChains(at.packets) : [], trees, known: new Map() };
  const steps = [
    ...objects(alert.steps),
    ...(Array.isArray(alert.other_starts) ? alert.other_starts.flatMap(objects) : []),
  ];
  const known = new Map<string, Entry>();
  const pages: StoryStep[] = [];
  const found: Evidence[] = [];
  for (const [i, step] of steps.slice(0, STEPS_MAX).entries()) {
    const of = await stepEvidence(from, step, i + 1);
    if (!of.ok) return of;
    found.push(of.value);
    for (const e of of.value.entries) known.set(e.name, e);
    const why = Array.isArray(step.why) ? step.why.map(text) : [];
    pages.push({
      ...{ name: text(step.step), at: text(step.seen), kind: text(step.kind), why },
      ...{ record: isObject(step.record) ? step.record : {}, evidence: told(of.value.summary) },
    });
  }
  const witness = witnessKeyIn(at.keys);
  const fingerprint = fingerprintOf(signer.publicKey, witness);
  const page = storyPage({
    ...{ title: text(alert.title), id: text(alert.id), severity: text(alert.severity) },
    ...{ text: text(alert.explanation), steps: pages, fingerprint },
  });
  const times = found.flatMap((f) => f.times);
  const segments = new Set(found.flatMap((f) => f.segments));
  // Who had it before.
  const before = custodyOf(dir, text(alert.id)).map((line) => `${line}\n`);
  const ofChains = from.chains.map((chain) => chainEntries(chain, times, segments));
  const isWhole = ofChains.every((c) => c.isWhole);
  const entries: Entry[] = [
    { name: 'alert.json', bytes: Buffer.from(`${JSON.stringify(alert, null, 2)}\n`) },
    { name: 'story.html', bytes: Buffer.from(page) },
    { name: 'events.ndjson', bytes: Buffer.from(steps.map((s) => `${JSON.stringify(s)}\n`).join('')) },
    ...known.values(),
    ...ofChains.flatMap((c) => c.entries),
    ...(before.length === 0 ? [] : [{ name: 'custody.ndjson', bytes: Buffer.from(before.join('')) }]),
    { name: PUBLIC_KEY, bytes: Buffer.from(signer.publicKey) },
    ...(witness === undefined ? [] : [{ name: WITNESS_KEY, bytes: Buffer.from(witness) }]),
    { name: 'verify.sh', bytes: Buffer.from(VERIFY_SH) },
  ];
  const list = [
    'catenary-bundle v1',
    `alert=${text(alert.id)}`,
    `software=${software}`,
    `exported_us=${exported}`,
    ...from.chains.map((c) => `chain=${c.number} ${c.name}`),
    ...found.map(({ summary: s }, i) => `step=${i + 1} packets=${s.packets} state=${s.state}`),
    // Of these times no seal is missing here; verify.sh looks.
    ...(isWhole ? times.map((t) => `time= from=${t.from} to=${t.to}`) : ['times=cut']),
    ...entries.map((e) => `${sha256(e.bytes)}  ${e.name}`),
  ].join('\n');
  const manifest = `${list}\n`;
  entries.push({ name: 'bundle.manifest', bytes: Buffer.from(manifest) });
  entries.push({ name: 'bundle.sig', bytes: signer.sign(manifest) });
  return success({ entries, steps: found.map((f) => f.summary), fingerprint });
}
