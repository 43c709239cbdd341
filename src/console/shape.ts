// The JSON that the console's API answers with: the server writes it, the page reads it.
//
// Times are microseconds since the epoch, lengths of time microseconds, amounts bytes. Texts are as the record holds
// them: whoever shows them makes them safe to show.

export type Pivot = 'address' | 'host' | 'domain' | 'file' | 'search';
export type FieldForm = 'text' | 'number' | 'time' | 'bytes' | 'duration' | 'flag';

export interface FieldView {
  readonly name: string;
  readonly form: FieldForm;
  /** Where a value leads, if anywhere. */
  readonly pivot: Pivot | undefined;
  readonly values: readonly (string | number | boolean)[];
  /** Characters, or items, that are not shown here. */
  readonly cut: number;
}

export interface EventView {
  readonly kind: string;
  readonly ref: string;
  readonly ts: number;
  readonly seen: number;
  /** What it says, in one line: parts, so that the direction of one does not reach into the next. */
  readonly line: readonly string[];
  readonly fields: readonly FieldView[];
}

export interface AlertSummary {
  readonly id: string;
  readonly revision: number;
  readonly status: string;
  readonly chain: string;
  readonly title: string;
  readonly severity: string;
  readonly confidence: number;
  readonly score: number;
  readonly host: { readonly id: string; readonly name: string | undefined } | undefined;
  readonly first: number;
  readonly last: number;
  readonly detectedAt: number;
  /** The longest time between two steps. */
  readonly slept: number;
  readonly steps: number;
  readonly flags: readonly string[];
  /** What has become of it: new, acknowledged, closed, suppressed, twin. Undefined: not asked. */
  readonly state: string | undefined;
}

export interface AlertsAnswer {
  readonly now: number;
  /** Of each state, with what else was asked for. */
  readonly counts: Readonly<Record<string, number>>;
  readonly alerts: readonly AlertSummary[];
  readonly page: number;
  readonly more: boolean;
}

/** One condition of a step, and what it was decided on. */
export interface Term {
  readonly predicate: string;
  readonly values: readonly { readonly name: string; readonly value: string }[];
  /** `unknown` counts as the chain says; `cut`: the record's text ends before that. */
  readonly decided: 'true' | 'unknown' | 'cut';
}

export interface StepView {
  readonly step: string;
  readonly at: number;
  /** After the step before it; undefined for the first. */
  readonly gap: number | undefined;
  readonly uid: string;
  readonly ref: string;
  readonly why: readonly Term[];
  readonly event: EventView | undefined;
}

export interface EntityLink {
  readonly role: string;
  readonly class: string;
  readonly value: string;
}

export interface ActView {
  /** Wall time [us]. */
  readonly at: number;
  /** ack, note, close, reopen, allow; held, twin. */
  readonly act: string;
  readonly actor: string;
  readonly address: string;
  readonly text: string;
  readonly verdict: string;
  /** Of the allow-list; 0: none. */
  readonly entry: number;
  /** The alert that stands for it, or that it stands for. */
  readonly other: string;
}

export interface EntryView {
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
  readonly state: 'holds' | 'ended' | 'removed';
  /** Who took it off, and why. */
  readonly removed: ActView | undefined;
  /** Alerts that it has held back, and when the last came [us]. */
  readonly held: number;
  readonly lastHeld: number | undefined;
}

export interface AllowAnswer {
  readonly now: number;
  readonly entries: readonly EntryView[];
}

export interface AlertView {
  readonly now: number;
  readonly alert: AlertSummary;
  /** What was done, by whom, oldest first. */
  readonly acts: readonly ActView[];
  /** Every sensor that has told of it, with the id of what it told. */
  readonly seenBy: readonly { readonly sensor: string; readonly id: string }[];
  /** How the score came about. */
  readonly scored: readonly string[];
  readonly key: string;
  readonly ref: string;
  readonly chainVersion: number;
  readonly ruleHash: string;
  readonly attack: readonly string[];
  readonly scope: string;
  readonly story: string;
  readonly statusReason: string | undefined;
  /** Something of the record did not fit into it. */
  readonly cut: boolean;
  readonly flags: readonly { readonly flag: string; readonly meaning: string }[];
  readonly entities: readonly EntityLink[];
  readonly users: readonly string[];
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly hashes: readonly string[];
  readonly evidence: readonly { readonly lease: string; readonly state: string }[];
  readonly steps: readonly StepView[];
  /** Other records that may as well have begun it, each with what followed. */
  readonly otherStarts: readonly (readonly StepView[])[];
  readonly revisions: readonly { readonly revision: number; readonly status: string; readonly at: number }[];
}

export interface SearchView {
  readonly now: number;
  readonly text: string;
  readonly form: string;
  readonly from: number;
  readonly to: number;
  /** The times were chosen to hold all that was found. */
  readonly fitted: boolean;
  readonly total: number;
  readonly counts: readonly { readonly kind: string; readonly count: number }[];
  readonly width: number;
  readonly histogram: readonly { readonly at: number; readonly count: number }[];
  readonly events: readonly EventView[];
}

export interface EntityAnswer {
  readonly now: number;
  readonly class: string;
  readonly value: string;
  /** Undefined: no record names it. */
  readonly summary:
    | {
        readonly first: number;
        readonly last: number;
        readonly count: number;
        readonly days: number;
        readonly sensors: readonly string[];
        readonly sentBytes: number | undefined;
        readonly receivedBytes: number | undefined;
        readonly counts: readonly { readonly kind: string; readonly count: number }[];
        readonly peers: readonly { readonly value: string; readonly class: Pivot; readonly count: number }[];
      }
    | undefined;
  /** What it is called, or what calls to it; newest first. */
  readonly names: readonly { readonly value: string; readonly class: Pivot; readonly source: string }[];
  readonly alerts: readonly AlertSummary[];
}

export interface SensorView {
  readonly sensor: string;
  readonly lastSeen: number | undefined;
  readonly lastStored: number | undefined;
  readonly packets: number;
  readonly dropped: { readonly kernel: number; readonly interface: number; readonly decoder: number };
  readonly eventsDropped: number;
  readonly gapBytes: number;
  readonly frames: number;
  readonly refusedFrames: number;
  readonly missingFrames: number;
  /** Share of the packets that were decoded, 0 to 1; undefined when nothing is known. */
  readonly captured: number | undefined;
  readonly state: 'ok' | 'losing' | 'silent' | 'unknown';
}

export interface SensorsAnswer {
  readonly now: number;
  /** Losses since then. */
  readonly from: number;
  readonly sensors: readonly SensorView[];
}

/** Packets that were fetched from a sensor, and what of that time it has not. */
export interface PacketsAnswer {
  /** GET /api/packets/ID gives them out, for a while; '' when there are none. */
  readonly id: string;
  readonly fault: string;
  readonly detail: string;
  readonly packets: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly segments: number;
  readonly deleted: number;
  readonly cutoff: number;
  readonly notKept: number;
  readonly gaps: number;
}

export interface SessionAnswer {
  readonly signedIn: boolean;
  /** No password was set yet: the first code is asked for. */
  readonly isFirst: boolean;
}

export interface ErrorAnswer {
  readonly error: string;
  readonly hint: string;
}
