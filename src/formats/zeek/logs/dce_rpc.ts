// dce_rpc.log: Zeek 8's columns. Numbers, authentication, faults and what the endpoint mapper said come among ours.
import { defineLog, ends } from '../columns.ts';

const NOISE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'winreg',
    new Set([
      ...['BaseRegCloseKey', 'BaseRegGetVersion', 'BaseRegOpenKey', 'BaseRegQueryValue', 'BaseRegDeleteKeyEx'],
      ...['OpenLocalMachine', 'BaseRegEnumKey', 'OpenClassesRoot'],
    ]),
  ],
  ['spoolss', new Set(['RpcSplOpenPrinter', 'RpcClosePrinter'])],
  ['wkssvc', new Set(['NetrWkstaGetInfo'])],
]);

const isNoise = (endpoint: string, operation: string | null): boolean =>
  operation !== null && (NOISE.get(endpoint)?.has(operation) ?? false);

/**
 * Zeek reads a pipe only where it has seen that its share is one, or has guessed so from the name. Backslashes of a
 * record are doubled.
 */
const isOfUnseenShare = (pipe: string | null): boolean =>
  pipe !== null && !pipe.startsWith('\\\\\\\\') && !pipe.startsWith('<unknown>');

/** Zeek has a row where a call was answered by no fault and its interface is known, unless its list calls it noise. */
export const DCE_RPC = defineLog(
  'dce_rpc',
  'dce_rpc',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('rtt', 'interval'),
    col('named_pipe', 'string'),
    col('endpoint', 'string'),
    col('operation', 'string'),
  ],
  ['proto', 'is_answered'],
  (e) =>
    !e.is_answered ||
    e.fault !== null ||
    e.endpoint === null ||
    isNoise(e.endpoint, e.operation) ||
    isOfUnseenShare(e.pipe),
  // Zeek measures from a call to its answer.
  (draft) => {
    draft.is_answered = typeof draft.rtt === 'number';
  },
);
