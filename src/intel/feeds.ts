// The formats of lists that are JSON, in the order in which a document is tried.
import type { FeedFormat } from './feed.ts';
import entries from './feeds/entries/entries.ts';
import misp from './feeds/misp/misp.ts';
import stix from './feeds/stix/stix.ts';

export const FORMATS: readonly FeedFormat[] = [stix, misp, entries];
