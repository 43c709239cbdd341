// What one event has to know of others: the certificate behind a fingerprint, the data connection of an FTP command's
// file, and counters since the beginning, as Suricata's stats are.
import type { FileEvent, X509Event } from '../../schema/gen/events.gen.ts';

/** As many as a busy minute shows; the oldest goes, and its handshakes have no serial number then. */
export const CERTIFICATES_MAX = 4096;

/** Files whose command has not been answered yet; a line is missing for one that was put out. */
export const TRANSFERS_MAX = 4096;

function putLast<T>(table: Map<string, T>, key: string, value: T, most: number): void {
  table.delete(key);
  table.set(key, value);
  if (table.size <= most) return;
  for (const oldest of table.keys()) {
    table.delete(oldest);
    return;
  }
}

export class Memory {
  /** By SHA-256: whoever shows it, it is the same one. */
  private readonly certificates = new Map<string, X509Event>();
  private readonly transfers = new Map<string, FileEvent>();
  private readonly sums = new Map<string, number>();
  private began: number | undefined;

  remember(certificate: X509Event): void {
    putLast(this.certificates, certificate.fingerprint, certificate, CERTIFICATES_MAX);
  }

  certificate(fingerprint: string | undefined): X509Event | undefined {
    return fingerprint === undefined ? undefined : this.certificates.get(fingerprint);
  }

  transferred(file: FileEvent): void {
    putLast(this.transfers, file.fuid, file, TRANSFERS_MAX);
  }

  /** The file, once: a command is answered once. */
  takeTransfer(fuid: string | null): FileEvent | undefined {
    const file = fuid === null ? undefined : this.transfers.get(fuid);
    if (file !== undefined) this.transfers.delete(file.fuid);
    return file;
  }

  /** The counter's value with this much more in it. */
  total(name: string, more: number): number {
    const sum = (this.sums.get(name) ?? 0) + more;
    this.sums.set(name, sum);
    return sum;
  }

  /** Whole seconds of packet time since the first of these calls' times. */
  uptime(from: number, to: number): number {
    this.began ??= from;
    return Math.floor(Math.max(0, to - this.began) / 1_000_000);
  }
}
