// Lists that are JSON: what a format makes of a document, for parse.ts to check like any line of a list.

export interface FeedRow {
  /** Columns as a list has them: type, value, source, confidence, valid_from, valid_until, tags, description. */
  readonly row: Readonly<Record<string, string>>;
  /** A text of the document near which this stands: its line is told with a fault. */
  readonly anchor: string;
}

/** What cannot be used, in words for whoever keeps the list. */
export interface Refused {
  readonly refused: string;
  readonly anchor: string;
}

export interface FeedFormat {
  readonly id: string;
  /** Whether a document is of this format. */
  reads(document: unknown): boolean;
  rows(document: unknown): Iterable<FeedRow | Refused>;
}

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v);
/** The objects in an array; anything else has none. */
export const objectsOf = (v: unknown): Fields[] => (Array.isArray(v) ? v.filter(isFields) : []);
export const textOf = (v: unknown): string =>
  typeof v === 'string' ? v : typeof v === 'number' && Number.isFinite(v) ? String(v) : '';
/** Tags as a list writes them; a separator inside one would make two of it. */
export const tagsOf = (texts: readonly string[]): string => texts.map((t) => t.replace(/[;|]/g, ' ')).join(';');
