// The logs we can write, in the order --help names them.
import type { Log } from './columns.ts';
import { CONN } from './logs/conn.ts';
import { DCE_RPC } from './logs/dce_rpc.ts';
import { DHCP } from './logs/dhcp.ts';
import { DNS } from './logs/dns.ts';
import { FILES } from './logs/files.ts';
import { FTP } from './logs/ftp.ts';
import { HTTP } from './logs/http.ts';
import { KERBEROS } from './logs/kerberos.ts';
import { LDAP } from './logs/ldap.ts';
import { LDAP_SEARCH } from './logs/ldap_search.ts';
import { NTLM } from './logs/ntlm.ts';
import { NTP } from './logs/ntp.ts';
import { QUIC } from './logs/quic.ts';
import { RADIUS } from './logs/radius.ts';
import { RDP } from './logs/rdp.ts';
import { SMB_FILES } from './logs/smb_files.ts';
import { SMB_MAPPING } from './logs/smb_mapping.ts';
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
  ...[CONN, DNS, HTTP, SSL, X509, FILES, FTP, DHCP, NTP, QUIC, SMTP, SNMP, SOCKS, SSH, SYSLOG, WEBSOCKET],
  ...[SMB_FILES, SMB_MAPPING, NTLM, DCE_RPC, KERBEROS, LDAP, LDAP_SEARCH, RADIUS, RDP],
  WEIRD,
];
