// What a disk may hold after a crash, from the log of recorder.c: what was synced is there; of what was written to a
// file since, some of the first writes, the last of them torn, or zeros in its place; of the names that changed since
// their folder was synced, some of the first changes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Op {
  readonly verb: string;
  readonly inode: number;
  readonly offset: number;
  readonly data: Buffer;
}

/** The recorder, compiled. */
export function buildRecorder(dir: string): string {
  const out = path.join(dir, 'recorder.so');
  const source = new URL('recorder.c', import.meta.url).pathname;
  execFileSync('cc', [
    '-O1',
    '-shared',
    '-fPIC',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    out,
    source,
    '-ldl',
    '-lpthread',
  ]);
  return out;
}

export function readLog(file: string): Op[] {
  const log = readFileSync(file);
  const ops: Op[] = [];
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf(0x0a, at);
    const [verb = '', inode, offset, length] = log.toString('latin1', at, end).split(' ');
    const data = log.subarray(end + 1, end + 1 + Number(length));
    ops.push({ verb, inode: Number(inode), offset: Number(offset), data });
    at = end + 1 + Number(length);
  }
  return ops;
}

interface File {
  /** As synced. */
  durable: Buffer;
  /** Since. */
  pending: Op[];
}

type NameOp =
  | { readonly name: string; readonly file: File | undefined }
  | { readonly from: string; readonly to: string };

function apply(content: Buffer, op: Op, bytes = op.data.length, isZeros = false): Buffer {
  if (op.verb === 'truncate') {
    const cut = Buffer.alloc(op.offset);
    content.copy(cut, 0, 0, Math.min(content.length, op.offset));
    return cut;
  }
  const out = Buffer.alloc(Math.max(content.length, op.offset + bytes));
  content.copy(out);
  if (!isZeros) op.data.copy(out, op.offset, 0, bytes);
  return out;
}

function applyName(names: Map<string, File>, op: NameOp): void {
  if ('from' in op) {
    const file = names.get(op.from);
    names.delete(op.from);
    if (file !== undefined) names.set(op.to, file);
  } else if (op.file === undefined) names.delete(op.name);
  else names.set(op.name, op.file);
}

/** A disk while it is written to. */
export class Disk {
  /** Names that a power cut leaves, and what changed in each folder since it was synced. */
  readonly durable = new Map<string, File>();
  private readonly pending = new Map<string, NameOp[]>();
  private readonly inodes = new Map<number, File>();

  take(op: Op): void {
    const name = op.data.toString();
    if (op.verb === 'create') {
      const file = { durable: Buffer.alloc(0), pending: [] };
      this.inodes.set(op.inode, file);
      this.change(name, { name, file });
    } else if (op.verb === 'link') this.change(name, { name, file: this.inodes.get(op.inode) });
    else if (op.verb === 'unlink') this.change(name, { name, file: undefined });
    else if (op.verb === 'rename') {
      const [from = '', to = ''] = name.split('\0');
      this.change(to, { from, to });
    } else if (op.verb === 'syncdir') {
      const folder = name === '' ? '/' : name;
      for (const change of this.pending.get(folder) ?? []) applyName(this.durable, change);
      this.pending.delete(folder);
    } else {
      const file = this.inodes.get(op.inode);
      if (file === undefined) throw new Error(`${op.verb} of a file that nobody made`);
      if (op.verb === 'sync') {
        file.durable = file.pending.reduce((content, p) => apply(content, p), file.durable);
        file.pending = [];
      } else file.pending.push(op);
    }
  }

  private change(name: string, op: NameOp): void {
    const folder = path.dirname(name);
    this.pending.set(folder, [...(this.pending.get(folder) ?? []), op]);
  }

  /** Writes what a crash now may leave to a folder, which is emptied. @param random  a whole number below n */
  crash(dir: string, random: (n: number) => number): void {
    const names = new Map(this.durable);
    for (const changes of this.pending.values())
      for (const change of changes.slice(0, random(changes.length + 1))) applyName(names, change);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    const contents = new Map<File, Buffer>();
    for (const [name, file] of names) {
      const content = contents.get(file) ?? left(file, random);
      contents.set(file, content);
      const at = path.join(dir, name);
      mkdirSync(path.dirname(at), { recursive: true });
      writeFileSync(at, content);
    }
  }
}

function left(file: File, random: (n: number) => number): Buffer {
  const whole = random(file.pending.length + 1);
  let content = file.pending.slice(0, whole).reduce((c, p) => apply(c, p), file.durable);
  const torn = file.pending[whole];
  if (torn !== undefined && torn.verb === 'write' && random(2) === 0)
    content = apply(content, torn, random(torn.data.length + 1), random(4) === 0);
  return content;
}
