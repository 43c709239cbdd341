// ftp, and ftp_data for the file that a command moved, on its data connection.
import type { FtpEvent } from '../../../schema/gen/events.gen.ts';
import type { Memory } from '../memory.ts';
import { defineKind, type EveRecord, record } from '../record.ts';

/** What we call the server's first words; Suricata has no command there. */
const GREETING = '<init>';

/** Our argument is a URL with the working directory in it; theirs is the name that was given. */
const nameOf = (arg: string | null): string | null => arg?.slice(arg.lastIndexOf('/') + 1) ?? null;

function moved(e: FtpEvent, memory: Memory): EveRecord[] {
  const file = memory.takeTransfer(e.fuid);
  if (file === undefined) return [];
  return [record('ftp_data', file, { ftp_data: { command: e.command, filename: nameOf(e.arg) } })];
}

export const FTP = defineKind('ftp', (e, memory) => [
  record('ftp', e, {
    ftp: {
      command: e.command === GREETING ? null : e.command,
      command_data: e.arg,
      reply: [e.reply_msg],
      completion_code: e.reply_code === null ? [] : [String(e.reply_code).padStart(3, '0')],
      dynamic_port: e.data_resp_p,
      mode: e.passive === null ? null : e.passive ? 'passive' : 'active',
      reply_received: e.reply_code === null ? 'no' : 'yes',
    },
  }),
  ...moved(e, memory),
]);
