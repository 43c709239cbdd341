// A page brings content for a plugin under a false name, and then something to run from the same server.
//
// Exploit kits make up their addresses anew for every visitor, so the exploit has no extension; and what the exploit
// fetches is fetched by its own few lines of code, not by the browser, and shows fewer headers.
import { ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { publicName } from '../names.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

/** Content of plugins, by its first bytes, and the extension it goes by. */
const PLUGINS: Readonly<Record<string, readonly string[]>> = {
  'application/x-shockwave-flash': ['.swf'],
  'application/x-java-applet': ['.class'],
  'application/java-archive': ['.jar'],
  'application/x-silverlight-app': ['.xap'],
};
const PROGRAMS = new Set(['application/x-dosexec', 'application/vnd.microsoft.portable-executable']);
const CALLED = /^application\/(?:x-msdownload|octet-stream|x-dosexec)/;
const PAYLOAD_MIN = 8000;

interface Plugin {
  at: number;
  uid: string;
  ref: string;
  /** UTC days on which it was told, alone and with what followed. */
  told: number;
  toldBoth: number;
}

const codec: Codec<Plugin> = {
  pack: (p) => [p.at, p.uid, p.ref, p.told, p.toldBoth],
  unpack: (stored) => {
    const [at, uid, ref, told, toldBoth] = stored as [number, string, string, number, number];
    return { at, uid, ref, told, toldBoth };
  },
};

export default defineSignal({
  id: 'drive_by',
  version: 2,
  brief: 'A page brings plugin content under a false name, and something to run after it.',
  attack: ['T1189', 'T1203'],
  needs: ['http'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and server, with the last plugin content' },
  settings: { window_minutes: 10, pairs_max: 16_384 },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const plugins = keyed('plugins', { max: settings.pairs_max, idle: DAY }, codec);
    return {
      on: {
        http(obs, event, emit) {
          if (event.status_code !== 200) return;
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || !src.local || dst.local) return;
          const mime = event.resp_mime_types[0];
          const path = (event.uri ?? '').slice(0, 1024).toLowerCase().split('?', 1)[0] ?? '';
          const key = `${src.id}|${event.resp_h}`;
          const day = dayOf(obs.seen);
          const name = publicName(event.host);
          const extensions = mime === undefined ? undefined : PLUGINS[mime];
          // A Java program that is asked for by Java itself is a program's own business.
          if (extensions !== undefined && !(event.user_agent ?? '').startsWith('Java/')) {
            const fresh = { at: obs.seen, uid: event.uid, ref: obs.ref, told: -1, toldBoth: -1 };
            const e = plugins.get(key, obs.seen) ?? plugins.add(key, fresh, obs.seen);
            Object.assign(e.value, { at: obs.seen, uid: event.uid, ref: obs.ref });
            plugins.touch(e, obs.seen);
            // Under its own name it is what a page is made of; what comes after it may tell.
            if (extensions.some((x) => path.endsWith(x)) || e.value.told === day) return;
            e.value.told = day;
            emit({
              ...ofFlow(obs),
              score: 0.5,
              key,
              dstName: name ?? null,
              features: { plugin: 1, payload: 0, bytes: event.response_body_len },
              explanation: `Content for a plugin (${mime}) came from ${name ?? event.resp_h} as ${path.slice(0, 100)}.`,
            });
            return;
          }
          if (plugins.size === 0 || event.response_body_len < PAYLOAD_MIN) return;
          const isOpaque = mime === undefined && CALLED.test((event.response_content_type ?? '').toLowerCase());
          if (!isOpaque && (mime === undefined || !PROGRAMS.has(mime))) return;
          const e = plugins.get(key, obs.seen);
          if (e === undefined || obs.seen - e.value.at > window || e.value.toldBoth === day) return;
          // A person who follows a link to a program shows the page; the few lines of an exploit do not.
          if (event.referrer !== null && event.referrer !== '') return;
          e.value.toldBoth = day;
          plugins.touch(e, obs.seen);
          emit({
            ...ofFlow(obs),
            score: 0.9,
            key: `${key}|payload`,
            first: e.value.at,
            count: 2,
            dstName: name ?? null,
            uids: [e.value.uid, event.uid],
            refs: [e.value.ref, obs.ref],
            features: {
              plugin: 1,
              payload: 1,
              bytes: event.response_body_len,
              headers: event.client_header_names.length,
            },
            explanation:
              `After content for a plugin, ${event.response_body_len} bytes to run (${mime ?? event.response_content_type}) ` +
              `came from ${name ?? event.resp_h} by a request with ${event.client_header_names.length} headers.`,
          });
        },
      },
    };
  },
});
