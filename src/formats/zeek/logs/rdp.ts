// rdp.log: Zeek 8's columns, and the one of its policy script.
import { defineLog, ends } from '../columns.ts';

export const RDP = defineLog(
  'rdp',
  'rdp',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('cookie', 'string'),
    col('result', 'string'),
    col('security_protocol', 'string'),
    col('client_channels', 'vector[string]'),
    col('keyboard_layout', 'string'),
    col('client_build', 'string'),
    col('client_name', 'string'),
    col('client_dig_product_id', 'string'),
    col('desktop_width', 'count'),
    col('desktop_height', 'count'),
    col('requested_color_depth', 'string'),
    col('cert_type', 'string'),
    col('cert_count', 'count'),
    col('cert_permanent', 'bool'),
    col('encryption_level', 'string'),
    col('encryption_method', 'string'),
    col('ssl', 'bool'),
  ],
  ['proto'],
);
