// `catenary evidence export ALERT`: everything that proves one alert, in one folder or archive that needs nothing of
// ours to be checked.
//
//   alert.json  story.html  events.ndjson
//   packets/step-N.pcapng      original blocks of the step's flow
//   files/SHA256.enc           encrypted with a published word
//   manifests/*.manifest .sig  seals of the segments of that time; in front, the number of their folder
//   sensor.pub  verify.sh
//   bundle.manifest .sig       the list of all of these, signed
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { failure, type Result, success } from '../lib/fault.ts';
import { assess } from './assess.ts';
import { flowNumber } from './blocks.ts';
import { extract, pcapngOf } from './extract.ts';
import { contentOf, encrypted } from './files.ts';
import { copiesOf } from './leases.ts';
import { type StoryStep, storyPage } from './page.ts';
import { readManifest, segmentFiles, segmentFolders, stemsOf } from './segments.ts';
import { PUBLIC_KEY, type Signer, sha256 } from './signer.ts';
import type { Entry } from './tar.ts';
import { VERIFY_SH } from './verify_script.ts';

/** Steps of one alert, other starts included, that a bundle has evidence of. */
export const STEPS_MAX = 256;
/** Seals in one bundle, from the oldest. */
export const MANIFESTS_MAX = 4096;
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
}

function stepEvidence(dir: string, step: Json, n: number): Result<Evidence> {
  const at = folders(dir);
  const record = isObject(step.record) ? step.record : {};
  const entries: Entry[] = [];
  const name = text(step.step);
  const uids = typeof record.uid === 'string' ? [record.uid] : Array.isArray(record.uids) ? record.uids.map(text) : [];
  const flows: Omit<StepEvidence, 'file' | 'step'>[] = [];
  const pieces: Buffer[] = [];
  const segments = existsSync(at.packets)
    ? segmentFolders(at.packets).flatMap((folder) => segmentFiles(folder).map((s) => s.path))
    : [];
  for (const uid of new Set(uids)) {
    const flow = flowNumber(uid);
    if (flow === undefined || !existsSync(at.packets)) continue;
    const copies = copiesOf(at.leases, uid);
    const found = extract(flow, copies, segments);
    if (!found.ok) return found;
    const { sections, packets: count, damage } = found.value;
    // A signal's flows are older and younger than its record: only its own flow must lie in the record's time.
    const from = micros(typeof record.uid === 'string' ? record.ts : (record.first ?? record.ts)) ?? 0;
    const about = { packets: count, damage, from, to: Math.max(from, micros(record.seen) ?? from) };
    flows.push({ packets: count, ...assess(at.packets, about, copies.length > 0 ? 'lifted' : 'applies') });
    if (count > 0) pieces.push(pcapngOf(sections));
  }
  if (pieces.length > 0) entries.push({ name: `packets/step-${n}.pcapng`, bytes: Buffer.concat(pieces) });
  const packets = { step: name, ...together(flows) };
  const hash = text(record.sha256);
  let file: string | undefined;
  if (hash !== '') {
    const content = contentOf(at.files, hash);
    file = 'missing' in content ? content.missing : '';
    if (!('missing' in content)) entries.push({ name: `files/${hash}.enc`, bytes: encrypted(content.bytes) });
  }
  return success({ entries, summary: { ...packets, file } });
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

/** Seals of segments that have packets of these times [us], and their signatures. */
export function seals(dir: string, times: readonly { from: number; to: number }[], max = MANIFESTS_MAX): Entry[] {
  const out: Entry[] = [];
  const folders = segmentFolders(dir).map((folder, i) => ({ folder, number: String(i).padStart(2, '0') }));
  const all = folders.flatMap((f) => stemsOf(f.folder, '.manifest').map((stem) => ({ ...f, stem })));
  for (const { folder, number, stem } of all) {
    if (out.length >= 2 * max) break;
    const m = readManifest(folder, stem);
    if (m === undefined) continue;
    const hit = times.some((t) => Number(m.first / 1000n) <= t.to && Number(m.last / 1000n) >= t.from);
    if (!hit) continue;
    for (const ending of ['manifest', 'sig'])
      out.push({
        name: `manifests/${number}-${stem}.${ending}`,
        bytes: readFileSync(join(folder, `${stem}.${ending}`)),
      });
  }
  return out;
}

/**
 * @param dir      the evidence folder
 * @param alert    its line of alerts.ndjson
 * @param exported wall time [us]
 */
export function bundleOf(dir: string, alert: Json, signer: Signer, software: string, exported: number): Result<Bundle> {
  const steps = [
    ...objects(alert.steps),
    ...(Array.isArray(alert.other_starts) ? alert.other_starts.flatMap(objects) : []),
  ];
  const known = new Map<string, Entry>();
  const summaries: StepEvidence[] = [];
  const pages: StoryStep[] = [];
  const times: { from: number; to: number }[] = [];
  for (const [i, step] of steps.slice(0, STEPS_MAX).entries()) {
    const found = stepEvidence(dir, step, i + 1);
    if (!found.ok) return found;
    for (const e of found.value.entries) known.set(e.name, e);
    summaries.push(found.value.summary);
    const record = isObject(step.record) ? step.record : {};
    const from = micros(record.ts);
    if (from !== undefined) times.push({ from, to: Math.max(from, micros(record.seen) ?? from) });
    const why = Array.isArray(step.why) ? step.why.map(text) : [];
    pages.push({
      ...{ name: text(step.step), at: text(step.seen), kind: text(step.kind), why, record },
      evidence: told(found.value.summary),
    });
  }
  const page = storyPage({
    ...{ title: text(alert.title), id: text(alert.id), severity: text(alert.severity) },
    ...{ text: text(alert.explanation), steps: pages, fingerprint: signer.fingerprint },
  });
  const entries: Entry[] = [
    { name: 'alert.json', bytes: Buffer.from(`${JSON.stringify(alert, null, 2)}\n`) },
    { name: 'story.html', bytes: Buffer.from(page) },
    { name: 'events.ndjson', bytes: Buffer.from(steps.map((s) => `${JSON.stringify(s)}\n`).join('')) },
    ...known.values(),
    ...seals(folders(dir).packets, times),
    { name: PUBLIC_KEY, bytes: Buffer.from(signer.publicKey) },
    { name: 'verify.sh', bytes: Buffer.from(VERIFY_SH) },
  ];
  const list = [
    'catenary-bundle v1',
    `alert=${text(alert.id)}`,
    `software=${software}`,
    `exported_us=${exported}`,
    ...summaries.map((s, i) => `step=${i + 1} packets=${s.packets} state=${s.state}`),
    ...entries.map((e) => `${sha256(e.bytes)}  ${e.name}`),
  ].join('\n');
  const manifest = `${list}\n`;
  entries.push({ name: 'bundle.manifest', bytes: Buffer.from(manifest) });
  entries.push({ name: 'bundle.sig', bytes: signer.sign(manifest) });
  return success({ entries, steps: summaries });
}
