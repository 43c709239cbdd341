// x509.log: Zeek 8's columns.
import { defineLog } from '../columns.ts';

export const X509 = defineLog(
  'x509',
  'x509',
  (col) => [
    col('ts', 'time'),
    col('fingerprint', 'string'),
    col('certificate.version', 'count', 'certificate_version'),
    col('certificate.serial', 'string', 'certificate_serial'),
    col('certificate.subject', 'string', 'certificate_subject'),
    col('certificate.issuer', 'string', 'certificate_issuer'),
    col('certificate.not_valid_before', 'time', 'certificate_not_valid_before'),
    // The year 9999, which says "never", is past what microseconds can count exactly.
    col('certificate.not_valid_after', 'time', (e) =>
      e.certificate_not_valid_after_s === null
        ? e.certificate_not_valid_after
        : `${e.certificate_not_valid_after_s}.000000`,
    ),
    col('certificate.key_alg', 'string', 'certificate_key_alg'),
    col('certificate.sig_alg', 'string', 'certificate_sig_alg'),
    col('certificate.key_type', 'string', 'certificate_key_type'),
    col('certificate.key_length', 'count', 'certificate_key_length'),
    col('certificate.exponent', 'string', 'certificate_exponent'),
    col('certificate.curve', 'string', 'certificate_curve'),
    col('san.dns', 'vector[string]', 'san_dns'),
    col('san.uri', 'vector[string]', 'san_uri'),
    col('san.email', 'vector[string]', 'san_email'),
    col('san.ip', 'vector[addr]', 'san_ip'),
    col('basic_constraints.ca', 'bool', 'basic_constraints_ca'),
    col('basic_constraints.path_len', 'count', 'basic_constraints_path_len'),
    col('host_cert', 'bool'),
    col('client_cert', 'bool'),
  ],
  [
    'orig_h',
    'orig_p',
    'resp_h',
    'resp_p',
    'proto',
    'vlan',
    'certificate_not_valid_after',
    'certificate_not_valid_after_s',
  ],
);
