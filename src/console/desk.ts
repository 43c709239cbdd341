// Where the console brings what people decide about alerts. A spine passes the real one in.
import type { Result } from '../lib/fault.ts';

export interface ActRecord {
  readonly n: number;
  /** Wall time [us]. */
  readonly at: number;
  readonly act: string;
  readonly alert: string;
  readonly actor: string;
  readonly address: string;
  readonly text: string;
  readonly verdict?: string;
}

export interface EntryRecord {
  readonly n: number;
  readonly alert: string;
  readonly actor: string;
  readonly reason: string;
  readonly chain: string;
  readonly entity: string;
  readonly value: string;
  readonly sensor: string;
  /** Wall times [us]. */
  readonly from: number;
  readonly until: number;
  readonly removed?: ActRecord;
}

export type DeskRequest =
  | { readonly act: 'ack' | 'note' | 'reopen'; readonly alert: string; readonly text: string }
  | { readonly act: 'close'; readonly alert: string; readonly text: string; readonly verdict: string }
  | {
      readonly act: 'allow';
      readonly alert: string;
      readonly text: string;
      readonly chain: string;
      readonly entity: string;
      readonly value: string;
      readonly sensor: string;
      readonly days: number;
    }
  | { readonly act: 'disallow'; readonly entry: number; readonly text: string };

export interface Desk {
  readonly triage: {
    of(alert: string): readonly ActRecord[];
    everyEntry(): readonly EntryRecord[];
  };
  /** What the store may not know yet. */
  readonly recent: readonly { readonly alert: string; readonly act: string }[];
  /** @param alsoOpen  a new entry also holds back what is new now and fits */
  act(
    request: DeskRequest,
    who: { readonly actor: string; readonly address: string },
    alsoOpen?: boolean,
  ): Promise<Result<{ readonly n: number }>>;
}
