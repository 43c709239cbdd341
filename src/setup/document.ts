// A configuration that a program writes and people go on with: what they wrote, their comments too, stays.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { parseDocument } from 'yaml';
import { configFaultText, parseConfig } from '../config/config.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';

export type Setting = readonly [path: readonly string[], value: unknown];

const HEAD = ` yaml-language-server: $schema=/usr/share/catenary/catenary.schema.json

 Only what differs from the defaults; /usr/share/doc/catenary-sensor/catenary.yaml has every setting explained.
 'catenary config check FILE' tells what is wrong; 'systemctl reload catenary-sensor' takes over what can change.`;

/** The text with these settings. A fault: what was there, or what it would become, is no configuration. */
export function withSettings(text: string, file: string, settings: readonly Setting[]): Result<string> {
  const before = parseConfig(text, file);
  const [wrong] = before.faults;
  if (wrong !== undefined) return failure('config_invalid', configFaultText(wrong), wrong.hint);
  const document = parseDocument(text);
  if (document.contents === null) document.commentBefore = HEAD;
  for (const [path, value] of settings) document.setIn(path, value);
  const out = document.toString({ lineWidth: 120 });
  const [fault] = parseConfig(out, file).faults;
  return fault === undefined ? success(out) : failure('config_invalid', configFaultText(fault), fault.hint);
}

/** Of the file, where it is there: '' where it is not. */
export function textOf(file: string): Result<string> {
  try {
    return success(existsSync(file) ? readFileSync(file, 'utf8') : '');
  } catch (error) {
    return { ok: false, fault: systemFault('config_invalid', file, error) };
  }
}

/** In one step, for its owner and the group of its folder to read: it may name a store with its password. */
export function writeConfig(file: string, text: string): Result<undefined> {
  const partial = `${file}.partial`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    writeFileSync(partial, text, { mode: 0o640 });
    chmodSync(partial, 0o640);
    const { uid, gid } = statSync(dirname(file));
    if (process.geteuid?.() === 0) chownSync(partial, uid, gid);
    renameSync(partial, file);
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', file, error) };
  }
}
