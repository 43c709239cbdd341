// What of a box would spoil what a sensor hears or keeps. Each check takes what it judges, so that it can be shown to
// find what is wrong; src/commands/doctor.ts gets that from this box.
import { X509Certificate } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { type Interface, JOINING, kernelLine, type Nic } from './interfaces.ts';
import { type Heard, hasCopies, isOneWay, isSpan } from './traffic.ts';

const MIB = 2 ** 20;
const DAY_S = 86_400;
/** An Ethernet header with two tags and an IP packet of the MTU has to fit. */
const HEADERS = 22;
/** Below, a day of trouble with the collector is too much. */
const CERTIFICATE_DAYS_MIN = 7;
const PROBE_BYTES = 32 * MIB;
/** Files in a folder of state that are looked at. */
const LOOKED_MAX = 10_000;

/** Packets must come as they were on the wire. */
export function offloadFinding(name: string, nic: Nic | undefined): Finding {
  const subject = `offloads of ${name}`;
  if (nic === undefined) return warn(subject, 'unknown: ethtool is not there', 'apt-get install ethtool');
  const on = [...JOINING, 'tcp-segmentation-offload'].filter((offload) => nic.offloads.get(offload) === true);
  if (on.length === 0) return ok(subject, 'none that joins or splits packets');
  const fix = `systemctl enable --now catenary-tune@${name}`;
  return warn(subject, `${on.join(', ')} on: packets are heard as they never were on the wire`, fix);
}

export function ringFinding(name: string, ring: Nic['ring']): Finding {
  const subject = `ring of ${name}`;
  if (ring === undefined) return ok(subject, 'the driver does not tell');
  if (ring.now >= ring.max) return ok(subject, `${ring.now} packets, all that it could`);
  return warn(subject, `${ring.now} packets, of ${ring.max} that it could hold`, `ethtool -G ${name} rx ${ring.max}`);
}

/** An interface that listens is not talked to. */
export function quietFinding(i: Interface): Finding {
  const subject = `silence of ${i.name}`;
  if (i.isRoute)
    return warn(subject, 'this box is managed over it', 'listen on an interface of its own, which a span port feeds');
  if (i.answers)
    return warn(subject, 'it answers ARP: who is watched can see it', `systemctl enable --now catenary-tune@${i.name}`);
  return ok(subject, 'it answers nobody');
}

export function snaplenFinding({ name, mtu }: Interface, snaplen: number): Finding {
  const subject = `snaplen on ${name}`;
  const whole = mtu + HEADERS;
  return snaplen >= whole
    ? ok(subject, `${snaplen} bytes, packets of mtu ${mtu} are whole`)
    : warn(
        subject,
        `${snaplen} bytes cut packets of mtu ${mtu}: content and files have holes`,
        `sensor.snaplen: ${whole}`,
      );
}

/** One processor for all of an interface's queues is where packets wait. */
export function irqFinding(name: string, proc: string): Finding {
  const subject = `interrupts of ${name}`;
  const lines = (kernelLine(join(proc, 'interrupts')) ?? '').split('\n');
  const [head = ''] = lines;
  const processors = head.trim().split(/\s+/).length;
  // "eth1", "eth1-rx-0", "i40e-eth1-TxRx-3"
  const mine = new RegExp(`(?:^|[\\s-])${name.replace(/[^\w-]/g, '\\$&')}(?:$|-)`);
  const irqs = lines.filter((line) => mine.test(line)).map((line) => line.trim().split(':', 1)[0] as string);
  const on = new Set(irqs.map((n) => kernelLine(join(proc, 'irq', n, 'smp_affinity_list')) ?? ''));
  const [only = ''] = on;
  if (irqs.length < 2 || processors < 2 || on.size > 1 || !/^\d+$/.test(only))
    return ok(subject, irqs.length === 0 ? 'none of its own' : `${irqs.length} queues`);
  return warn(
    subject,
    `all ${irqs.length} queues on processor ${only}`,
    'run irqbalance, or set /proc/irq/N/smp_affinity_list',
  );
}

/** @param promiscuity  of `ip -d link`; undefined: it does not tell */
export function promiscFinding(name: string, promiscuity: number | undefined): Finding {
  const subject = `promiscuous mode of ${name}`;
  if (promiscuity === undefined) return ok(subject, 'unknown');
  return promiscuity > 0
    ? ok(subject, 'on')
    : fail(
        subject,
        'off, and a sensor runs: it hears only what is sent to this box',
        'systemctl restart catenary-sensor',
      );
}

/** What passes, by a few seconds of it. */
export function trafficFindings(name: string, h: Heard): Finding[] {
  const subject = (what: string): string => `${what} of ${name}`;
  const share = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;
  if (h.frames === 0)
    return [
      warn(subject('traffic'), 'nothing came while it was listened to', "check the cable and the switch's mirror"),
    ];
  const out: Finding[] = [
    isSpan(h)
      ? ok(subject('traffic'), `${share(h.foreign, h.frames)} between others, as a span port sends`)
      : warn(subject('traffic'), 'hardly anything between others: no span port feeds it', "check the switch's mirror"),
  ];
  out.push(
    isOneWay(h)
      ? warn(
          subject('directions'),
          `only one side of ${share(h.oneWay, h.flows)} of flows`,
          'let the switch mirror both directions; routes that differ need a tap on each',
        )
      : ok(subject('directions'), 'both sides of flows'),
  );
  out.push(
    hasCopies(h)
      ? warn(
          subject('copies'),
          `${share(h.copies, h.packets)} of packets come twice`,
          'let the switch mirror each link once: one direction of every port, or both of the uplink',
        )
      : ok(subject('copies'), 'packets come once'),
  );
  return out;
}

/** The files of a service are its user's alone. */
export function permissionFinding(dir: string): Finding {
  const subject = `folder ${dir}`;
  let top: ReturnType<typeof statSync>;
  try {
    top = statSync(dir);
  } catch {
    return warn(subject, 'is not there yet', "run 'catenary setup', or start the service");
  }
  if ((top.mode & 0o077) !== 0)
    return fail(subject, 'others may look into it: it has keys and packets', `chmod 700 ${dir}`);
  let looked = 0;
  const strange = (at: string): string | undefined => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (looked++ > LOOKED_MAX) return undefined;
      const path = join(at, entry.name);
      if (statSync(path, { throwIfNoEntry: false })?.uid !== top.uid && !entry.isSymbolicLink()) return path;
      const below = entry.isDirectory() ? strange(path) : undefined;
      if (below !== undefined) return below;
    }
    return undefined;
  };
  try {
    const found = strange(dir);
    return found === undefined
      ? ok(subject, 'its owner alone')
      : fail(subject, `${found} is not its owner's: the service cannot use it`, `chown -R --reference=${dir} ${dir}`);
  } catch {
    return fail(subject, 'cannot be looked into', 'run as root, or as its owner');
  }
}

/** @param pem  of the sensor's certificate; undefined: there is none */
export function certificateFinding(pem: string | undefined, nowUs: number): Finding {
  const subject = 'certificate';
  if (pem === undefined)
    return fail(subject, 'ship.url names a collector, and this sensor has no certificate', "run 'catenary enroll'");
  let cert: X509Certificate;
  try {
    cert = new X509Certificate(pem);
  } catch {
    return fail(subject, 'cannot be read', "run 'catenary enroll'");
  }
  const days = Math.floor((Date.parse(cert.validTo) - nowUs / 1000) / 1000 / DAY_S);
  if (Date.parse(cert.validFrom) > nowUs / 1000)
    return fail(subject, `is valid from ${cert.validFrom}: the clock is behind`, 'run chrony or systemd-timesyncd');
  if (days < 0) return fail(subject, `ended ${cert.validTo}`, "run 'catenary enroll' with a new token");
  if (days < CERTIFICATE_DAYS_MIN)
    return warn(subject, `ends in ${days} days`, 'let the sensor reach its collector, which renews it');
  return ok(subject, `for ${days} more days`);
}

/** @returns  what the disk takes, synced [bytes/s]; undefined: it cannot be written */
export function diskRate(dir: string, clock: Clock): number | undefined {
  const file = join(dir, '.doctor');
  try {
    const fd = openSync(file, 'wx', 0o600);
    const began = clock.monotonic();
    try {
      const piece = Buffer.alloc(MIB, 0x5a);
      for (let n = 0; n < PROBE_BYTES; n += piece.length) writeSync(fd, piece);
      fsyncSync(fd);
      return (PROBE_BYTES * 1000) / Math.max(1, clock.monotonic() - began);
    } finally {
      closeSync(fd);
      rmSync(file, { force: true });
    }
  } catch {
    return undefined;
  }
}

/** @param bytesPerS  what passes now; 0: nobody knows */
export function diskRateFinding(rate: number | undefined, bytesPerS: number): Finding {
  const subject = 'disk rate';
  if (rate === undefined)
    return warn(subject, 'unknown: state.dir cannot be written by you', 'run as root, or as its owner');
  const text = `${Math.round(rate / MIB)} MiB/s synced, ${Math.round(bytesPerS / MIB)} MiB/s pass now`;
  // Events, memory and indexes are written beside packets.
  return rate >= bytesPerS * 1.5
    ? ok(subject, text)
    : warn(subject, text, 'a faster disk, evidence.cutoff_kb, or a filter: packets will be shed');
}

/** How far back packets will go. */
export function daysFinding(packetsMb: number, bytesPerS: number): Finding {
  const subject = 'days of packets';
  if (packetsMb === 0) return ok(subject, 'none are kept');
  if (bytesPerS < 1) return ok(subject, 'unknown until traffic passes a running sensor');
  const days = (packetsMb * MIB) / bytesPerS / DAY_S;
  const text = `${days >= 10 ? Math.floor(days) : days.toFixed(1)} at the rate that passes now`;
  return days >= 1
    ? ok(subject, text)
    : warn(
        subject,
        text,
        `evidence.packets_mb: ${Math.ceil((bytesPerS * DAY_S) / MIB)} for a day, or evidence.cutoff_kb`,
      );
}

/** What of the kernel a sensor stands on. */
export function kernelFindings(proc: string, hasFilter: boolean): Finding[] {
  const out: Finding[] = [];
  out.push(
    kernelLine(join(proc, 'net/packet')) === undefined
      ? fail('kernel', 'has no packet sockets', 'modprobe af_packet')
      : ok('kernel', 'has packet sockets'),
  );
  if (hasFilter && kernelLine(join(proc, 'sys/net/core/bpf_jit_enable')) === '0')
    out.push(warn('kernel', 'interprets sensor.filter for each packet', 'sysctl net.core.bpf_jit_enable=1'));
  return out;
}

/** @param needMb  of all budgets in memory */
export function memoryFinding(proc: string, needMb: number): Finding {
  const kib = Number(/^MemTotal:\s+(\d+) kB$/m.exec(kernelLine(join(proc, 'meminfo')) ?? '')?.[1] ?? Number.NaN);
  if (Number.isNaN(kib)) return ok('memory', 'unknown');
  const text = `${Math.round(kib / 1024)} MiB, up to ${needMb} MiB will be used`;
  return kib / 1024 >= needMb ? ok('memory', text) : warn('memory', text, 'lower memory.budget_mb, or add memory');
}
