// websocket.log: Zeek 8's columns.
import { defineLog } from '../columns.ts';

export const WEBSOCKET = defineLog(
  'websocket',
  'websocket',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
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
