// smtp with the email inside.
import { defineKind, record } from '../record.ts';

const bracketed = (address: string | null): string | null => (address === null ? null : `<${address}>`);

export const SMTP = defineKind('smtp', (e) => [
  record('smtp', e, {
    tx_id: e.mid_stream ? null : e.trans_depth - 1,
    smtp: { helo: e.helo, mail_from: bracketed(e.mailfrom), rcpt_to: e.rcptto.map(bracketed) },
    email: {
      from: e.from,
      to: e.to,
      cc: e.cc,
      subject: e.subject,
      date: e.date,
      message_id: e.msg_id,
      x_mailer: e.user_agent,
      received: [e.second_received, e.first_received],
      url: e.urls,
    },
  }),
]);
