// What a person can do about an alert, and where that leaves it. An act is a line of the log, for ever; what an alert
// is now follows from its acts in their order.

import type { ChainedLine } from '../lib/chained_log.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import { type Scope, scopeFault } from './allow.ts';

export const TEXT_BYTES_MAX = 2000;
export const ACTOR_BYTES_MAX = 64;
export const DAYS_MAX = 3660;
const DAY = 86_400e6;

export const VERDICTS = ['true', 'false', 'benign'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What is asked for. */
export type Request =
  | { readonly act: 'ack' | 'note' | 'reopen'; readonly alert: string; readonly text: string }
  | { readonly act: 'close'; readonly alert: string; readonly text: string; readonly verdict: string }
  | (Scope & { readonly act: 'allow'; readonly alert: string; readonly text: string; readonly days: number })
  | { readonly act: 'disallow'; readonly entry: number; readonly text: string };

export interface Who {
  readonly actor: string;
  /** '' from this machine. */
  readonly address: string;
}

/** A line of the log. */
export interface Act extends ChainedLine, Who {
  /** Wall time [us]. */
  readonly at: number;
  readonly act: Request['act'];
  readonly alert: string;
  readonly text: string;
  readonly verdict?: Verdict;
  readonly entry?: number;
  readonly allow?: Scope & { readonly until: number };
}

/** `new` until somebody has acknowledged or closed it. */
export type State = 'new' | 'acknowledged' | 'closed';

export function stateOf(acts: readonly Pick<Act, 'act'>[]): State {
  let state: State = 'new';
  for (const { act } of acts) {
    if (act === 'ack') state = 'acknowledged';
    if (act === 'close') state = 'closed';
    if (act === 'reopen') state = 'new';
  }
  return state;
}

type Content = Omit<Act, 'n' | 'prev'>;
const bytes = (text: string): number => Buffer.byteLength(text);
const no = (message: string, hint = ''): Result<never> => failure('usage', message, hint);

/**
 * The act, or why it cannot be.
 * @param before  what was done to this alert
 * @param isEntry  whether an entry of this number is on the list
 */
export function actOf(
  request: Request,
  { actor, address }: Who,
  at: number,
  before: readonly Act[],
  isEntry: (n: number) => boolean,
): Result<Content> {
  const text = request.text.trim();
  if (bytes(text) > TEXT_BYTES_MAX) return no(`the text is longer than ${TEXT_BYTES_MAX} bytes`, 'say it shorter');
  if (actor.trim() === '' || bytes(actor) > ACTOR_BYTES_MAX) return no('nobody says so', 'give a name');
  const base = { at, act: request.act, alert: 'alert' in request ? request.alert : '', actor, address, text };
  if (base.alert !== '' && !/^[0-9a-f]{16}$/.test(base.alert)) return no(`${base.alert} is no id of an alert`);
  const state = stateOf(before);
  switch (request.act) {
    case 'ack':
      if (state === 'acknowledged') return no('it is acknowledged already');
      if (state === 'closed') return no('it is closed', 'reopen it first');
      return success(base);
    case 'note':
      return text === '' ? no('a note says something') : success(base);
    case 'reopen':
      return success(base);
    case 'close': {
      const verdict = VERDICTS.find((v) => v === request.verdict);
      if (verdict === undefined) return no(`'${request.verdict}' is no verdict`, `one of ${VERDICTS.join(', ')}`);
      if (text === '') return no('a verdict has a reason', 'say why');
      if (state === 'closed') return no('it is closed already', 'reopen it first');
      return success({ ...base, verdict });
    }
    case 'allow': {
      const { chain, entity, value, sensor, days } = request;
      const fault = scopeFault({ chain, entity, value, sensor });
      if (fault !== undefined) return no(fault);
      if (text === '') return no('an entry has a reason', 'say why');
      if (!(days > 0 && days <= DAYS_MAX)) return no('an entry ends', `after 1 to ${DAYS_MAX} days`);
      return success({ ...base, allow: { chain, entity, value, sensor, until: at + days * DAY } });
    }
    case 'disallow':
      if (!isEntry(request.entry)) return no(`no entry ${request.entry} is on the allow-list`);
      if (text === '') return no('taking an entry off has a reason', 'say why');
      return success({ ...base, entry: request.entry });
  }
}
