// Every kind that has lines in EVE.
import type { EveKind } from './record.ts';
import { ANOMALY } from './records/anomaly.ts';
import { ARP } from './records/arp.ts';
import { DHCP } from './records/dhcp.ts';
import { DNS } from './records/dns.ts';
import { FILEINFO } from './records/fileinfo.ts';
import { FLOW } from './records/flow.ts';
import { FTP } from './records/ftp.ts';
import { HTTP } from './records/http.ts';
import { KRB5 } from './records/krb5.ts';
import { QUIC } from './records/quic.ts';
import { RDP } from './records/rdp.ts';
import { DCERPC, SMB, SMB_FILE, SMB_MAPPING } from './records/smb.ts';
import { SMTP } from './records/smtp.ts';
import { SNMP } from './records/snmp.ts';
import { SSH } from './records/ssh.ts';
import { STATS } from './records/stats.ts';
import { TFTP } from './records/tftp.ts';
import { TLS, X509 } from './records/tls.ts';

export const RECORDS: readonly EveKind[] = [
  ...[FLOW, DNS, HTTP, TLS, X509, QUIC, FILEINFO, SMTP, SSH, SMB, SMB_MAPPING, SMB_FILE, DCERPC, KRB5, FTP],
  ...[DHCP, SNMP, RDP, TFTP, ARP, ANOMALY, STATS],
];
