// `catenary memory`: what long memory and the entities know of a name, an address, a file, a host.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadAddon } from '../capture/addon.ts';
import { decodeAddress, type Interval } from '../entities/intervals.ts';
import { EXIT, type ExitCode, failure, type Result, success } from '../lib/fault.ts';
import { safeText } from '../lib/terminal.ts';
import { ipBytes } from '../schema/ip.ts';
import type { Space } from '../schema/observation.ts';
import { type LongMemory, openMemory } from '../state/memory.ts';
import { openState, type State } from '../state/state.ts';
import type { Done, Surroundings } from './surroundings.ts';

const EXITS = `
EXIT CODES
  0    it is told, also that nothing is known
  1    the folder cannot be read, or a process has it open
  2    wrong usage
`;

const MANUAL = `
Subcommands say more when asked: catenary memory show --help
${EXITS}
EXAMPLES
  catenary memory show files.example --dir /var/lib/catenary/state
`;

const SHOW_MANUAL = `
WHAT IT DOES
  Says what is remembered of ENTITY: when it was seen first and last, how often, on how many days, by how
  many hosts in the last --days days up to when it was seen last, and since when memory would know. Of an
  address inside, also which hosts held it when, and what said so; of a host, which addresses it held.

  ENTITY is a name, an address, a SHA-256 or a JA4; what it is can be said in front:
    domain:NAME addr:ADDRESS file:SHA256 ja4:JA4 user_agent:TEXT cert:FINGERPRINT user:NAME host:mac:MAC
  With --host it is what that one host had to do with it: mac:MAC, or ip:ADDRESS where no lease or ARP says
  whose address it is.

  A folder is one process's: stop the sensor that has it open, or name a copy.
${EXITS}
EXAMPLES
  catenary memory show files.example --dir state
  catenary memory show files.example --host mac:02:00:00:00:00:07 --dir state
  catenary memory show 10.0.0.7 --dir state --json
  catenary memory show 'user_agent:curl/7.88.1' --dir state --days 90
`;

interface Options {
  readonly dir: string;
  readonly host?: string;
  readonly days: string;
  readonly json?: boolean;
}

const SPACES: ReadonlySet<string> = new Set<Space>(['domain', 'file', 'addr', 'ja4', 'user_agent', 'cert', 'user']);
const DAYS_MAX = 400;

interface Asked {
  readonly space: Space | 'host';
  readonly key: string;
}

/** What is asked about: as it is said in front, or as it looks. */
export function entityOf(text: string): Asked | undefined {
  const [named = '', rest] = [text.slice(0, Math.max(0, text.indexOf(':'))), text.slice(text.indexOf(':') + 1)];
  if (named === 'host' && rest !== '') return { space: 'host', key: rest };
  if (SPACES.has(named) && rest !== '') {
    const space = named as Space;
    return { space, key: space === 'domain' ? rest.toLowerCase().replace(/\.$/, '') : rest };
  }
  if (ipBytes(text) !== undefined) return { space: 'addr', key: text };
  if (/^[0-9a-f]{64}$/i.test(text)) return { space: 'file', key: text.toLowerCase() };
  if (/^[a-z]\d{2}[di]\d{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/.test(text)) return { space: 'ja4', key: text };
  if (/^mac:[0-9a-f:]{17}$/i.test(text)) return { space: 'host', key: text.toLowerCase() };
  return /^[a-z0-9_.-]+$/i.test(text) && text.includes('.')
    ? { space: 'domain', key: text.toLowerCase().replace(/\.$/, '') }
    : undefined;
}

const iso = (us: number): string => new Date(us / 1000).toISOString();

export interface Held {
  readonly addr: string;
  readonly host: string;
  readonly name: string | null;
  readonly from: string;
  /** null: still, as far as is known. */
  readonly until: string | null;
  /** What said so: dhcp, arp or nd, and the record. */
  readonly evidence: string;
}

const heldOf = (addr: string, i: Interval): Held => ({
  ...{ addr, host: i.host.id, name: i.name, from: iso(i.from) },
  until: Number.isFinite(i.until) ? iso(i.until) : null,
  evidence: i.host.evidence,
});

/** Addresses and who held them, of those that `asks` wants; by time. */
function intervals(state: State, asks: (addr: string, i: Interval) => boolean): Held[] {
  const found: Held[] = [];
  for (const [key, bytes] of state.section('entities').entries()) {
    if (!key.startsWith('a/')) continue;
    const { open, past } = decodeAddress(bytes);
    const addr = key.slice(2);
    for (const i of [...past, ...open]) if (asks(addr, i)) found.push(heldOf(addr, i));
  }
  return found.sort((a, b) => (a.from < b.from ? -1 : 1));
}

interface Known {
  readonly entity: string;
  readonly host: string | null;
  readonly first: string | null;
  readonly last: string | null;
  readonly count: number;
  readonly days: number;
  readonly hosts: number | null;
  readonly since: string;
  readonly held: readonly Held[];
}

function knownOf(memory: LongMemory, state: State, asked: Asked, o: { host?: string; days: number }): Known {
  const entity = `${asked.space}:${asked.key}`;
  const host = o.host ?? null;
  if (asked.space === 'host') {
    const held = intervals(state, (addr, i) => i.host.id === asked.key || `ip:${addr}` === asked.key);
    const none = { first: null, last: null, count: 0, days: 0, hosts: null, since: '' };
    return { entity, host, ...none, held };
  }
  const r = memory.look(asked.space, asked.key, o.host);
  const at = r.last ?? 0;
  return {
    ...{ entity, host, count: r.count, days: r.days },
    first: r.first === undefined ? null : iso(r.first),
    last: r.last === undefined ? null : iso(r.last),
    hosts: o.host === undefined ? memory.prevalence(asked.space, asked.key, o.days, at) : null,
    since: iso(r.since),
    held: asked.space === 'addr' ? intervals(state, (addr) => addr === asked.key) : [],
  };
}

function linesOf(k: Known, days: number): string[] {
  const out = [k.host === null ? k.entity : `${k.entity} of ${k.host}`];
  const line = (name: string, value: string): void => void out.push(`  ${name.padEnd(12)}${value}`);
  if (k.since !== '') {
    line('first seen', k.first ?? 'never');
    if (k.last !== null) line('last seen', k.last);
    line('times', `${k.count}, on ${k.days} days`);
    // Exact to 16, 17 for more.
    if (k.hosts !== null) line('hosts', `${k.hosts > 16 ? 'more than 16' : k.hosts} in ${days} days`);
    line('known since', k.since);
  }
  for (const h of k.held)
    line(
      'held',
      `${h.addr} by ${h.host}${h.name === null ? '' : ` (${h.name})`}, ${h.from} to ${h.until ?? 'now'}: ${h.evidence}`,
    );
  if (k.since === '' && k.held.length === 0) line('held', 'no address that anybody told of');
  return out.map(safeText);
}

function show(text: string, o: Options, world: Surroundings): Result<ExitCode> {
  const asked = entityOf(text);
  if (asked === undefined)
    return failure(
      'usage',
      `${text.slice(0, 80)}: cannot tell what it is`,
      'say it: domain:NAME, addr:ADDRESS, file:SHA256',
    );
  const days = /^\d{1,3}$/.test(o.days) ? Number(o.days) : 0;
  if (days < 1 || days > DAYS_MAX) return failure('usage', `--days ${o.days}: is not 1 to ${DAYS_MAX}`);
  const dir = join(o.dir, 'memory');
  if (!existsSync(dir)) return failure('usage', `${o.dir}: holds no memory/`, 'name the folder of state.dir');
  const addon = loadAddon();
  if (!addon.ok) return addon;
  const state = openState(o.dir);
  if (!state.ok) return state;
  const memory = openMemory(addon.value.Memory, { dir, position: state.value.sequence });
  if (!memory.ok) {
    state.value.close();
    return memory;
  }
  const known = knownOf(memory.value, state.value, asked, { days, ...(o.host === undefined ? {} : { host: o.host }) });
  memory.value.close();
  state.value.close();
  world.stdout.write(o.json ? `${JSON.stringify(known)}\n` : `${linesOf(known, days).join('\n')}\n`);
  return success(EXIT.ok);
}

export function addMemory(program: Command, world: Surroundings, done: Done): void {
  const memory = program.command('memory').summary('what long memory knows').addHelpText('after', MANUAL);
  memory
    .command('show')
    .summary('what is remembered of a name, an address, a file, a host')
    .argument('<entity>', 'a name, an address, a SHA-256, a JA4, or KIND:VALUE')
    .requiredOption('--dir <dir>', 'folder of state.dir')
    .option('--host <host>', 'what this host had to do with it: mac:MAC or ip:ADDRESS')
    .option('--days <number>', 'days over which hosts are counted', '30')
    .option('--json', 'one object of JSON')
    .addHelpText('after', SHOW_MANUAL)
    .action((entity: string, o: Options) => done(show(entity, o, world)));
}
