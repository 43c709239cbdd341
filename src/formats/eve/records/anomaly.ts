// anomaly, from weird.
import { applicationName } from '../names.ts';
import { defineKind, record } from '../record.ts';

const STREAM: ReadonlySet<string> = new Set(['tcp', 'flow', 'reassembly']);

export const ANOMALY = defineKind('weird', (e) => {
  const app_proto = applicationName(e.source);
  const type = app_proto !== undefined ? 'applayer' : STREAM.has(e.source) ? 'stream' : 'decode';
  const layer = app_proto === undefined ? null : 'proto_parser';
  return [record('anomaly', e, { anomaly: { app_proto, type, event: e.name, layer } })];
});
