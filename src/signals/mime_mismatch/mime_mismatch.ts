// A file's name says one thing and its first bytes another.
//
// Only classes that nobody mixes up by accident are compared: a picture that is an archive or a program, a program
// that is called a document. That a JPEG is called .png is every day's sloppiness.
import { onceADay } from '../daily.ts';
import { ofFile } from '../flow.ts';
import { publicName } from '../names.ts';
import { defineSignal } from '../signal.ts';

type Class = 'program' | 'archive' | 'script' | 'document' | 'picture' | 'sound or film' | 'font' | 'style or page';

/** By magic bytes: what can carry something in. */
const CARRIERS: Readonly<Record<string, Class>> = {
  'application/x-dosexec': 'program',
  'application/vnd.microsoft.portable-executable': 'program',
  'application/x-executable': 'program',
  'application/x-sharedlib': 'program',
  'application/x-mach-o-executable': 'program',
  'application/x-java-applet': 'program',
  'application/zip': 'archive',
  'application/x-rar': 'archive',
  'application/x-7z-compressed': 'archive',
  'application/vnd.ms-cab-compressed': 'archive',
  'application/x-iso9660-image': 'archive',
  'text/x-shellscript': 'script',
  'text/x-php': 'script',
  'application/hta': 'script',
};

const NAMED: Readonly<Record<string, Class>> = {
  ...Object.fromEntries(['jpg', 'jpeg', 'png', 'gif', 'bmp', 'ico', 'webp'].map((x) => [x, 'picture'])),
  ...Object.fromEntries(['mp3', 'mp4', 'avi', 'wav', 'mov', 'flv'].map((x) => [x, 'sound or film'])),
  ...Object.fromEntries(['pdf', 'txt', 'rtf', 'csv', 'doc', 'xls', 'ppt'].map((x) => [x, 'document'])),
  ...Object.fromEntries(['woff', 'woff2', 'ttf', 'eot'].map((x) => [x, 'font'])),
  ...Object.fromEntries(['css', 'html', 'htm', 'xml', 'json'].map((x) => [x, 'style or page'])),
};

const SCORE: Readonly<Partial<Record<Class, number>>> = { program: 0.7, archive: 0.5, script: 0.5 };

/** The class that the last extension of a name or URL claims. */
function claimed(text: string | null): { readonly extension: string; readonly class: Class } | undefined {
  if (text === null) return undefined;
  const path = text.slice(0, 2048).split(/[?#;]/, 1)[0] ?? '';
  const dot = path.lastIndexOf('.');
  if (dot < 0 || path.length - dot > 6) return undefined;
  const extension = path.slice(dot + 1).toLowerCase();
  const found = Object.hasOwn(NAMED, extension) ? NAMED[extension] : undefined;
  return found === undefined ? undefined : { extension, class: found };
}

export default defineSignal({
  id: 'mime_mismatch',
  version: 1,
  brief: "A file's name says one thing and its first bytes another.",
  attack: ['T1036.008'],
  needs: ['file'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and file, with the day they were last told' },
  settings: {
    /** So many hosts have the file: the sloppiness of a site. */
    common_hosts: 5,
    days: 30,
    pairs_max: 50_000,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        file(obs, event, emit) {
          const actual = event.mime_type === null ? undefined : CARRIERS[event.mime_type];
          if (actual === undefined) return;
          const { rx_host: rx, tx_host: tx } = obs.hosts;
          if (rx === undefined || tx === undefined || (!rx.local && !tx.local)) return;
          const claim = claimed(event.filename) ?? claimed(event.url);
          if (claim === undefined) return;
          if (event.sha256 !== null) {
            const hosts = memory.prevalence('file', event.sha256, settings.days, obs.seen);
            if (hosts >= settings.common_hosts) return;
          }
          const key = `${rx.id}|${event.sha256 ?? `${event.tx_host} ${claim.extension}`}`;
          if (!isNewToday(key, obs.seen)) return;
          const name = (event.filename ?? event.url ?? '').slice(0, 160);
          emit({
            ...ofFile(obs),
            score: SCORE[actual] ?? 0.5,
            key,
            dstName: publicName(event.host) ?? null,
            features: { bytes: event.seen_bytes, program: actual === 'program' ? 1 : 0 },
            explanation: `${name} is called a ${claim.class} and is a ${actual} (${event.mime_type}), over ${event.source}.`,
          });
        },
      },
    };
  },
});
