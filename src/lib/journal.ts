// What a service says as it runs: to the system's journal where standard error goes there, else a line each on standard
// error, with the time. The last ones stay in memory too, for whoever asks how it is.
import { fstatSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { type Fault, faultLine } from './fault.ts';
import { safeText } from './terminal.ts';
import { TOPICS, type Topic } from './topics.ts';

const KEPT = 8;
const SOCKET = '/run/systemd/journal/socket';

export interface Said {
  /** Wall time [us]. */
  readonly at: number;
  /** As it was given: to be made safe by whoever shows it. */
  readonly text: string;
}

/** How to reach the system's journal. */
export interface SystemJournal {
  /** What the service is called there. */
  readonly name: string;
  /** A datagram to a socket of AF_UNIX. */
  send(socket: string, text: string): boolean;
  readonly socket?: string;
}

/** Whether standard error goes to the journal: systemd says which device and inode that is, systemd.exec(5). */
export function isJournal(environment: Readonly<Record<string, string | undefined>>, fd = 2): boolean {
  const [device, inode] = (environment.JOURNAL_STREAM ?? '').split(':');
  if (device === undefined || inode === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return String(dev) === device && String(ino) === inode;
  } catch {
    // It is closed: there is nothing to say anything to.
    return false;
  }
}

export class Journal {
  private readonly clock: Clock;
  private readonly out: { write(text: string): unknown };
  private readonly system: SystemJournal | undefined;
  private readonly kept: Said[] = [];

  constructor(clock: Clock, out: { write(text: string): unknown }, system?: SystemJournal) {
    this.clock = clock;
    this.out = out;
    this.system = system;
  }

  /** The last few, oldest first. */
  get latest(): readonly Said[] {
    return this.kept;
  }

  say(text: string, topic: Topic = 'note'): void {
    this.put(text, topic);
  }

  tell(fault: Fault): void {
    this.put(faultLine(fault), 'fault', fault.code);
  }

  private put(text: string, topic: Topic, code?: string): void {
    const at = this.clock.wall();
    this.kept.push({ at, text });
    if (this.kept.length > KEPT) this.kept.shift();
    const line = safeText(text);
    if (this.system?.send(this.system.socket ?? SOCKET, entry(this.system.name, line, topic, code)) === true) return;
    this.out.write(`${new Date(at / 1000).toISOString()} ${line}\n`);
  }
}

/** The journal's own protocol: NAME=value lines, which a safe text cannot break. */
function entry(name: string, line: string, topic: Topic, code: string | undefined): string {
  const { id, priority } = TOPICS[topic];
  const fields = [`MESSAGE=${line}`, `MESSAGE_ID=${id}`, `PRIORITY=${priority}`, `SYSLOG_IDENTIFIER=${name}`];
  if (code !== undefined) fields.push(`CATENARY_CODE=${code}`);
  return `${[...fields, `CATENARY_TOPIC=${topic}`].join('\n')}\n`;
}
