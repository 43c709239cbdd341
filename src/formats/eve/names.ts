// Suricata's names for what we name otherwise.

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMP6 = 58;

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  ...([
    [ICMP, 'ICMP'],
    [TCP, 'TCP'],
    [UDP, 'UDP'],
    [ICMP6, 'IPv6-ICMP'],
  ] as const),
  ...([
    [47, 'GRE'],
    [50, 'ESP'],
    [51, 'AH'],
    [132, 'SCTP'],
  ] as const),
]);

/** An IP protocol by name, or by its number where it has none here. */
export const protoName = (proto: number): string => PROTOCOLS.get(proto) ?? String(proto);

const APPLICATIONS: ReadonlyMap<string, string> = new Map([
  ...['dhcp', 'dnp3', 'dns', 'ftp', 'ftp-data', 'http', 'imap', 'ldap', 'modbus', 'mqtt', 'ntp', 'pop3', 'quic'].map(
    (name) => [name, name] as const,
  ),
  ...['rdp', 'rfb', 'sip', 'smb', 'smtp', 'snmp', 'ssh', 'tftp', 'tls', 'websocket'].map(
    (name) => [name, name] as const,
  ),
  ...([
    ['dce_rpc', 'dcerpc'],
    ['krb', 'krb5'],
    ['krb_tcp', 'krb5'],
    ['kerberos', 'krb5'],
    ['ftp_data', 'ftp-data'],
  ] as const),
]);

/** One of our protocols as app_proto; undefined where Suricata has no such protocol. */
export const applicationName = (name: string): string | undefined => APPLICATIONS.get(name);

export interface Application {
  readonly app_proto: string | null;
  /** What the flow spoke before it went over to another. */
  readonly app_proto_orig: string | null;
}

/**
 * Suricata's one protocol of a flow for our several: the one that carries the others, and where a flow went over to
 * another (STARTTLS, an upgrade), the last.
 */
export function application(services: readonly string[]): Application {
  const names = services.flatMap((name) => applicationName(name) ?? []);
  const has = (name: string): boolean => names.includes(name);
  for (const carrier of ['quic', 'smb']) if (has(carrier)) return { app_proto: carrier, app_proto_orig: null };
  for (const last of ['tls', 'websocket'])
    if (has(last)) return { app_proto: last, app_proto_orig: names.find((name) => name !== last) ?? null };
  return { app_proto: names[0] ?? null, app_proto_orig: null };
}
