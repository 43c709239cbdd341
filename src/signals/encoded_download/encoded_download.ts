// What arrives is called a text, a picture or a program, and its bytes are nothing known.
//
// A loader fetches the next program encrypted, because a program on the wire is what everybody looks for; a server has
// to call it something. The type by first bytes is the file layer's; here it is that there is none.

import { onceADay } from '../daily.ts';
import { ofFlow } from '../flow.ts';
import { publicName } from '../names.ts';
import { defineSignal } from '../signal.ts';

/** What is claimed, and how sure a lie is: texts in rare encodings are not always known for texts. */
const CLAIMS: readonly (readonly [pattern: RegExp, score: number, what: string])[] = [
  [/^application\/(?:x-msdownload|x-msdos-program|x-dosexec|vnd\.microsoft\.portable-executable)/, 0.7, 'a program'],
  [/^image\/(?:png|jpeg|jpg|gif|bmp)/, 0.6, 'a picture'],
  [/^application\/(?:pdf|zip|java-archive|msword)/, 0.6, 'a document or an archive'],
  [/^text\/(?:plain|html|css)/, 0.5, 'a text'],
];
/** Codings that were taken off, so that the bytes are the file's own. */
const PLAIN = new Set(['', 'identity', 'gzip', 'x-gzip', 'deflate']);

export default defineSignal({
  id: 'encoded_download',
  version: 1,
  brief: 'A local host receives bytes of no known type that are called a program, a picture or a text.',
  attack: ['T1105', 'T1027'],
  needs: ['http'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and server, with the day they were last told' },
  settings: {
    bytes_min: 8000,
    /** Without a claim, or with one that means nothing (octet-stream). */
    unnamed: 0.35,
    score_min: 0.4,
    pairs_max: 50_000,
  },
  run({ settings, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        http(obs, event, emit) {
          if (event.response_body_len < settings.bytes_min || event.mid_stream || event.method === 'HEAD') return;
          // A file that was looked at and has no type; a part of one (206) need not begin where the type stands.
          if (event.resp_fuids.length === 0 || event.resp_mime_types.length > 0 || event.status_code !== 200) return;
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || !src.local || dst.local) return;
          if (!PLAIN.has((event.response_content_encoding ?? '').toLowerCase())) return;
          const claimed = (event.response_content_type ?? '').toLowerCase();
          const claim = CLAIMS.find(([pattern]) => pattern.test(claimed));
          const isUnnamed = claimed === '' || claimed.startsWith('application/octet-stream');
          if (claim === undefined && !isUnnamed) return;
          const isBare = !event.client_header_names.includes('ACCEPT-LANGUAGE');
          const score = (claim === undefined ? settings.unnamed : claim[1]) + (isBare ? 0.1 : 0);
          if (score < settings.score_min) return;
          const name = publicName(event.host);
          const key = `${src.id}|${name ?? event.resp_h}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score,
            key,
            dstName: name ?? null,
            features: { bytes: event.response_body_len, unnamed: isUnnamed ? 1 : 0, no_language: isBare ? 1 : 0 },
            explanation:
              `${event.response_body_len} bytes from ${name ?? event.resp_h}${(event.uri ?? '').slice(0, 120)} are of no known ` +
              `type, and were called ${claim === undefined ? 'nothing' : `${claim[2]} (${claimed.slice(0, 60)})`}.`,
          });
        },
      },
    };
  },
});
