// Runs `catenary analyze` as a user does, in a process of its own, on worlds made for the occasion.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWorld, type Story, type World } from './world.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** What a line of alerts.ndjson has, as far as the tests look. */
export interface AlertLine {
  readonly chain: string;
  readonly status: string;
  readonly revision: number;
  readonly host: string;
  readonly host_name: string;
  readonly sha256: readonly string[];
  readonly domains: readonly string[];
  readonly bound: Readonly<Record<string, string>>;
  readonly detected_at: string;
  readonly flags: readonly string[];
  readonly starts: readonly string[];
  readonly steps: readonly { readonly step: string; readonly kind: string; readonly record: Record<string, unknown> }[];
  readonly explanation: string;
}

export const worldAt = (folder: string, name: string, story: Story): World & { readonly file: string } => {
  const world = buildWorld(story);
  const file = join(folder, `${name}.pcap`);
  writeFileSync(file, world.pcap);
  return { ...world, file };
};

export function start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Outcome> } {
  const child = spawn(process.execPath, [CLI, 'analyze', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Outcome>((done) => {
    child.on('close', (code, signal) => done({ code, signal, stderr }));
  });
  return { child, ended };
}

/** To the end, which must be a good one. */
export async function analyzed(out: string, ...args: string[]): Promise<AlertLine[]> {
  const { code, stderr } = await start([...args, '--out', out]).ended;
  if (code !== 0) throw new Error(`catenary analyze ended with ${code}: ${stderr}`);
  return alertsIn(out);
}

export const textOf = (out: string, file = 'alerts.ndjson'): string => readFileSync(join(out, file), 'utf8');
export const linesOf = (out: string, file = 'alerts.ndjson'): string[] => textOf(out, file).split('\n').filter(Boolean);
export const alertsIn = (out: string): AlertLine[] => linesOf(out).map((line) => JSON.parse(line) as AlertLine);
