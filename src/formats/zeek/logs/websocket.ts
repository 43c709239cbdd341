// websocket.log: Zeek 8's columns.
import { defineLog, ends } from '../columns.ts';

export const WEBSOCKET = defineLog(
  'websocket',
  'websocket',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('host', 'string'),
    col('uri', 'string'),
    col('user_agent', 'string'),
    col('subprotocol', 'string'),
    col('client_protocols', 'vector[string]'),
    col('server_extensions', 'vector[string]'),
    col('client_extensions', 'vector[string]'),
  ],
  ['proto'],
);
