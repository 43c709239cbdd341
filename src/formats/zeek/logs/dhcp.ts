// dhcp.log: Zeek 8's columns. Those of its policy scripts come by their names, among ours.
import { defineLog } from '../columns.ts';

export const DHCP = defineLog('dhcp', 'dhcp', (col) => [
  col('ts', 'time'),
  col('uids', 'set[string]', 'uids', '(empty)'),
  col('client_addr', 'addr'),
  col('server_addr', 'addr'),
  col('mac', 'string'),
  col('host_name', 'string'),
  col('client_fqdn', 'string'),
  col('domain', 'string'),
  col('requested_addr', 'addr'),
  col('assigned_addr', 'addr'),
  col('lease_time', 'interval'),
  col('client_message', 'string'),
  col('server_message', 'string'),
  col('msg_types', 'vector[string]', 'msg_types', '(empty)'),
  col('duration', 'interval'),
]);
