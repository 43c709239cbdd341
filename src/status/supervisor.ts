// What the service manager is told, sd_notify(3): ready, stopping, and while all is well, that it is. Without
// $NOTIFY_SOCKET nobody asked, and nothing is said.
import type { Alarm, Clock } from '../lib/clock.ts';

export interface SupervisorOptions {
  readonly clock: Clock;
  /** Of the process: NOTIFY_SOCKET, WATCHDOG_USEC. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A datagram to a socket of AF_UNIX. */
  send(socket: string, text: string): boolean;
  /** Whether what the service is for goes on; a service that is not well is not vouched for. */
  isWell(): boolean;
}

export class Supervisor {
  private readonly o: SupervisorOptions;
  private alarm: Alarm | undefined;

  constructor(options: SupervisorOptions) {
    this.o = options;
  }

  private say(text: string): void {
    const { NOTIFY_SOCKET: socket } = this.o.environment;
    if (socket !== undefined && socket !== '') this.o.send(socket, text);
  }

  /** From now on it vouches, twice in each of the manager's intervals. */
  ready(): void {
    this.say('READY=1');
    const us = Number(this.o.environment.WATCHDOG_USEC ?? 0);
    if (us > 0) this.vouch(us / 2000);
  }

  private vouch(ms: number): void {
    if (this.o.isWell()) this.say('WATCHDOG=1');
    this.alarm = this.o.clock.after(ms, () => this.vouch(ms));
  }

  /** An orderly end takes its own time, which TimeoutStopSec bounds: the watchdog is not asked any more. */
  stopping(): void {
    this.say('STOPPING=1');
  }

  close(): void {
    this.alarm?.cancel();
  }
}
