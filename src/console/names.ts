// What hosts call themselves, by the latest identity that says so; remembered for a while, since every list asks.
import type { Clock } from '../lib/clock.ts';
import type { Queries, StoredEvent } from './queries.ts';

export const NAMES_MAX = 4096;
const KEEP_MS = 300_000;
const TIME_MAX = 4e15;
/** Identities looked at for one host: the latest ones that have a name are among them. */
const IDENTITIES = 20;

export class HostNames {
  private readonly known = new Map<string, { readonly name: string | undefined; readonly at: number }>();
  private readonly queries: Pick<Queries, 'search'>;
  private readonly clock: Clock;

  constructor(queries: Pick<Queries, 'search'>, clock: Clock) {
    this.queries = queries;
    this.clock = clock;
  }

  get size(): number {
    return this.known.size;
  }

  /** A host without a known name, or a store that does not answer, gives undefined: the id is shown then. */
  async of(hosts: readonly string[]): Promise<(host: string) => string | undefined> {
    const now = this.clock.monotonic();
    const missing = [...new Set(hosts)].filter((host) => {
      const entry = this.known.get(host);
      return entry === undefined || now - entry.at > KEEP_MS;
    });
    const asked = new Map<string, string | undefined>();
    await Promise.all(
      missing.map(async (host) => {
        const name = await this.ask(host);
        asked.set(host, name);
        this.known.delete(host);
        this.known.set(host, { name, at: now });
        if (this.known.size > NAMES_MAX) this.known.delete(this.known.keys().next().value as string);
      }),
    );
    return (host) => (asked.has(host) ? asked.get(host) : this.known.get(host)?.name);
  }

  private async ask(host: string): Promise<string | undefined> {
    if (host === '' || host.length > 512) return undefined;
    const range = { from: 0, to: TIME_MAX, limit: IDENTITIES, buckets: 1 };
    const found = await this.queries.search({ text: host, form: 'name', kinds: ['identity'], ...range });
    if (!found.ok) return undefined;
    const events = found.value.events as readonly StoredEvent<'identity'>[];
    return (
      events.find((e) => e.event.host === host && e.event.name !== null && e.event.name !== '')?.event.name ?? undefined
    );
  }
}
