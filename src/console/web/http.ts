// Questions to the API. An answer that is no answer is a value with what went wrong and what to do.
import { useEffect, useState } from 'preact/hooks';
import { systemClock } from '../../lib/clock.ts';
import type { ErrorAnswer } from '../shape.ts';

export type Got<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Trouble };
export interface Trouble extends ErrorAnswer {
  readonly status: number;
}

async function ask<T>(path: string, init: RequestInit): Promise<Got<T>> {
  try {
    const response = await fetch(path, { ...init, credentials: 'same-origin' });
    const body = (await response.json()) as T & Partial<ErrorAnswer>;
    if (response.ok) return { ok: true, value: body };
    const { error = 'no answer', hint = '' } = body;
    return { ok: false, fault: { status: response.status, error, hint } };
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    return { ok: false, fault: { status: 0, error: 'the console cannot be reached', hint: 'is it still running?' } };
  }
}

export const post = <T = object>(path: string, body: object): Promise<Got<T>> =>
  ask<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Told when a session ended. */
export const signedOut = new EventTarget();

export interface Asked<T> {
  readonly value: T | undefined;
  readonly fault: Trouble | undefined;
  readonly isBusy: boolean;
}

/** Asks when the path changes, and every so often when told to [ms]; keeps what it has until the next answer. */
export function useAsk<T>(path: string | undefined, everyMs = 0): Asked<T> {
  const [state, setState] = useState<Asked<T>>({ value: undefined, fault: undefined, isBusy: true });
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let alarm = { cancel: (): void => undefined };
    const once = async (): Promise<void> => {
      setState((s) => ({ ...s, isBusy: true }));
      const got = await ask<T>(path, { signal: stop.signal }).catch(() => undefined);
      if (got === undefined || stop.signal.aborted) return;
      if (!got.ok && got.fault.status === 401) signedOut.dispatchEvent(new Event('end'));
      // A question that is asked again keeps its last answer when one fails.
      setState((s) =>
        got.ok
          ? { value: got.value, fault: undefined, isBusy: false }
          : { value: everyMs > 0 ? s.value : undefined, fault: got.fault, isBusy: false },
      );
      if (everyMs > 0) alarm = systemClock.after(everyMs, () => void once());
    };
    void once();
    return () => {
      stop.abort();
      alarm.cancel();
    };
  }, [path, everyMs]);
  return state;
}
