// krb5.
import type { KerberosEvent } from '../../../schema/gen/events.gen.ts';
import { defineKind, record } from '../record.ts';

/** Everything after the last slash is the realm. */
function split(principal: string | null): readonly [name: string | null, realm: string | null] {
  const slash = principal?.lastIndexOf('/') ?? -1;
  return principal === null || slash < 0 ? [principal, null] : [principal.slice(0, slash), principal.slice(slash + 1)];
}

const cipherName = (name: string | null): string | null => name?.toUpperCase().replaceAll('-', '_') ?? null;
const isWeak = (name: string | null): boolean | null => (name === null ? null : /^(?:rc4|arcfour|des(?!3))/.test(name));

function messageType({ request_type: type, success }: KerberosEvent): string | null {
  if (success === false) return 'KRB_ERROR';
  if (type === null) return 'KRB_AP_REQ';
  return success === true ? `KRB_${type}_REP` : `KRB_${type}_REQ`;
}

export const KRB5 = defineKind('kerberos', (e) => {
  const [cname, realm] = split(e.client);
  const encryption = e.success === true ? e.preauth_cipher : null;
  return [
    record('krb5', e, {
      krb5: {
        msg_type: messageType(e),
        failed_request: e.success === false && e.request_type !== null ? `KRB_${e.request_type}_REQ` : null,
        error_code: e.error_msg ?? (e.error_code === null ? null : String(e.error_code)),
        cname,
        realm,
        sname: e.service,
        encryption: cipherName(encryption),
        weak_encryption: isWeak(encryption),
        ticket_encryption: cipherName(e.cipher),
        ticket_weak_encryption: isWeak(e.cipher),
      },
    }),
  ];
});
