// The logs we can write, in the order --help names them.
import type { Log } from './columns.ts';
import { CONN } from './logs/conn.ts';
import { DHCP } from './logs/dhcp.ts';
import { DNS } from './logs/dns.ts';
import { FILES } from './logs/files.ts';
import { FTP } from './logs/ftp.ts';
import { HTTP } from './logs/http.ts';
import { NTP } from './logs/ntp.ts';
import { QUIC } from './logs/quic.ts';
import { SMTP } from './logs/smtp.ts';
import { SNMP } from './logs/snmp.ts';
import { SOCKS } from './logs/socks.ts';
import { SSH } from './logs/ssh.ts';
import { SSL } from './logs/ssl.ts';
import { SYSLOG } from './logs/syslog.ts';
import { WEBSOCKET } from './logs/websocket.ts';
import { WEIRD } from './logs/weird.ts';
import { X509 } from './logs/x509.ts';

export const LOGS: readonly Log[] = [
  ...[CONN, DNS, HTTP, SSL, X509, FILES, FTP, DHCP, NTP, QUIC, SMTP, SNMP, SOCKS, SSH, SYSLOG, WEBSOCKET, WEIRD],
];
