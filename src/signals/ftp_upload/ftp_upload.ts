// A local host stores a file at a remote FTP server.
//
// Hardly anybody does so by hand any more; programs that steal passwords do, because an FTP account is cheap. What is
// stored often says in its name from whom it is.

import { onceADay } from '../daily.ts';
import { ofFlow, outward } from '../flow.ts';
import { defineSignal } from '../signal.ts';

const STORES = new Set(['STOR', 'STOU', 'APPE']);
/** A loot's name: what it holds, whose it is, when: PW_user-HOST_2024_03_07.html */
const LOOT = /(?:^|\/)(?:pw|co|kl|sc|pass(?:words?)?|keylog|screen|recovery|logs?)_[^/]{0,80}\d{4}[_-]\d{2}[_-]\d{2}/i;

export default defineSignal({
  id: 'ftp_upload',
  version: 1,
  brief: 'A local host stores a file at a remote FTP server.',
  attack: ['T1048.003'],
  needs: ['ftp'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and server, with the day they were last told' },
  settings: {
    /** On so many days before, and it is a habit. */
    habit_days: 5,
    common_hosts: 5,
    days: 30,
    pairs_max: 16_384,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        ftp(obs, event, emit) {
          // 226 and 250: the file arrived (RFC 959 5.4).
          if (!STORES.has(event.command) || (event.reply_code !== 226 && event.reply_code !== 250)) return;
          const src = outward(obs);
          if (src === undefined) return;
          const hosts = memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
          const before = memory.look('addr', event.resp_h, src.id).days;
          if (hosts >= settings.common_hosts || before > settings.habit_days) return;
          const name = (event.arg ?? '').slice(0, 200);
          const isLoot = LOOT.test(name);
          const key = `${src.id}|${event.resp_h}|${isLoot ? 'loot' : ''}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score: 0.5 + (isLoot ? 0.3 : 0),
            key,
            user: event.user === null ? null : event.user.slice(0, 64),
            features: { bytes: event.file_size ?? 0, loot: isLoot ? 1 : 0, prevalence: hosts, days_before: before },
            explanation:
              `Stored ${name === '' ? 'a file' : name} at the FTP server ${event.resp_h}:${event.resp_p}, which ` +
              `${hosts <= 1 ? 'no other host knows' : `${hosts} hosts know`}${isLoot ? '; its name says whose it is and when' : ''}.`,
          });
        },
      },
    };
  },
});
