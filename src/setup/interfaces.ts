// Interfaces of this box as the kernel tells of them, and what ethtool says of their settings.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const COMMAND_MS = 5000;
const LOOPBACK = 772;
const ETHERNET = 1;
const UP = 0x1;
const NO_ARP = 0x80;

export interface Interface {
  readonly name: string;
  readonly isUp: boolean;
  /** undefined: it does not tell. */
  readonly hasCarrier: boolean | undefined;
  readonly mac: string;
  readonly mtu: number;
  /** [Mbit/s]; undefined: it does not tell. */
  readonly speed: number | undefined;
  /** It answers ARP: somebody could talk to it. */
  readonly answers: boolean;
  /** The way out of this box goes here: it is what the box is managed over. */
  readonly isRoute: boolean;
}

export interface Nic {
  /** Offloads by ethtool's long names, those that can be set. */
  readonly offloads: ReadonlyMap<string, boolean>;
  /** Received packets that the ring holds, and could; undefined: the driver does not tell. */
  readonly ring: { readonly now: number; readonly max: number } | undefined;
}

/** A line of the kernel's, or undefined where it does not tell. */
export function kernelLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Interfaces with a default route, IPv4 and IPv6. */
function routed(proc: string): Set<string> {
  const out = new Set<string>();
  for (const line of (kernelLine(join(proc, 'net/route')) ?? '').split('\n').slice(1)) {
    const [name = '', destination] = line.split(/\s+/);
    if (destination === '00000000') out.add(name);
  }
  for (const line of (kernelLine(join(proc, 'net/ipv6_route')) ?? '').split('\n')) {
    const fields = line.trim().split(/\s+/);
    // Destination ::/0 by a gateway that is not ::.
    if (fields[1] === '00' && fields[4] !== undefined && !/^0+$/.test(fields[4])) out.add(fields.at(-1) as string);
  }
  return out;
}

/** Those that packets could come from, by name: Ethernet and loopback. */
export function interfaces(sys = '/sys/class/net', proc = '/proc'): Interface[] {
  const routes = routed(proc);
  const names = existsSync(sys) ? readdirSync(sys).sort() : [];
  return names.flatMap((name) => {
    const line = (what: string): string | undefined => kernelLine(join(sys, name, what));
    const type = Number(line('type'));
    if (type !== ETHERNET && type !== LOOPBACK) return [];
    const flags = Number(line('flags') ?? 0);
    const carrier = line('carrier');
    const speed = Number(line('speed') ?? -1);
    return [
      {
        ...{ name, isUp: (flags & UP) !== 0, hasCarrier: carrier === undefined ? undefined : carrier === '1' },
        ...{ mac: line('address') ?? '', mtu: Number(line('mtu') ?? 0), speed: speed > 0 ? speed : undefined },
        ...{ answers: type !== LOOPBACK && (flags & NO_ARP) === 0, isRoute: routes.has(name) },
      },
    ];
  });
}

/** What a program prints, or undefined where it is not there, says no, or has not ended in `ms`. */
export async function printed(
  [program, ...args]: readonly [string, ...string[]],
  ms = COMMAND_MS,
): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(program, args, { timeout: ms })).stdout;
  } catch {
    return undefined;
  }
}

/** "generic-receive-offload: on", "large-receive-offload: off [fixed]" */
export function offloadsOf(text: string): Map<string, boolean> {
  const found = [...text.matchAll(/^([\w-]+): (on|off)$/gm)];
  return new Map(found.map(([, name = '', state]) => [name, state === 'on']));
}

/** Two blocks: what could be, then what is; "RX: n/a" where the driver does not tell. */
export function ringOf(text: string): Nic['ring'] {
  const [max, now] = [...text.matchAll(/^RX:\s+(\d+)$/gm)].map((m) => Number(m[1]));
  return max === undefined || now === undefined ? undefined : { now, max };
}

/** undefined: ethtool is not there. */
export async function nicOf(name: string): Promise<Nic | undefined> {
  const offloads = await printed(['ethtool', '-k', name]);
  if (offloads === undefined) return undefined;
  return { offloads: offloadsOf(offloads), ring: ringOf((await printed(['ethtool', '-g', name])) ?? '') };
}

/** Offloads that join or split packets, so that what is captured never was on the wire. */
export const JOINING = ['generic-receive-offload', 'large-receive-offload', 'rx-gro-hw'] as const;
