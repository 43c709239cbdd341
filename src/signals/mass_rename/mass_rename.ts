// A host renames file after file on a share so that each gets the same new ending.
//
// What encrypts files writes them anew and marks what it has done: `a.docx` becomes `a.docx.locked`. People rename
// files too, but not dozens within a minute, each keeping its whole name in front of one common addition.
import { duration, ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, SECOND } from '../signal.ts';

const FILES = 64;
const SUFFIX_MAX = 40;

/** What stands behind the whole old name in the new one, or the new ending where the old one is replaced. */
function addition(before: string, after: string): string | undefined {
  const old = before.toLowerCase();
  const now = after.toLowerCase();
  if (now.length > old.length && now.startsWith(old)) {
    const added = now.slice(old.length);
    return added.startsWith('.') && added.length <= SUFFIX_MAX ? added : undefined;
  }
  const dot = old.lastIndexOf('.');
  const replaced = now.lastIndexOf('.');
  if (dot <= 0 || dot !== replaced || old.slice(0, dot) !== now.slice(0, dot)) return undefined;
  return now.length - replaced <= SUFFIX_MAX && now !== old ? now.slice(replaced) : undefined;
}

/** Endings by which programs mark what is not finished yet, and take off again. */
const PASSING = new Set(['.tmp', '.temp', '.bak', '.part', '.old', '.crdownload', '.download', '.partial']);

export default defineSignal({
  id: 'mass_rename',
  version: 1,
  brief: 'A host gives many files on a share the same new ending within a minute.',
  attack: ['T1486'],
  needs: ['smb_file'],
  budget: { bytes: 30_000_000, holds: '4,096 hosts and endings, with up to 64 files each' },
  settings: {
    /** Files within the window. At most 64. */
    files_min: 30,
    window_seconds: 60,
    /** Endings that a house's own programs give. */
    ignore: [] as readonly string[],
    keys_max: 4096,
  },
  run({ settings, keyed }) {
    const window = settings.window_seconds * SECOND;
    const endings = keyed('endings', { max: settings.keys_max, idle: DAY }, recentCodec);
    const ignored = new Set(settings.ignore);
    return {
      on: {
        smb_file(obs, event, emit) {
          if (event.action !== 'SMB::FILE_RENAME' || event.prev_name === null) return;
          const { orig_host: src } = obs.hosts;
          const ending = addition(event.prev_name, event.name);
          if (src === undefined || ending === undefined || PASSING.has(ending) || ignored.has(ending)) return;
          const key = `${event.orig_h}|${ending}`;
          const e = endings.get(key, obs.seen) ?? endings.add(key, new Recent(), obs.seen);
          const files = e.value;
          endings.touch(e, obs.seen);
          const n = files.add(event.prev_name.slice(0, 200), obs.seen, window, FILES);
          files.trail(event.uid, obs.ref);
          if (n < settings.files_min || !files.firstOn(dayOf(obs.seen))) return;
          const span = obs.seen - files.since(obs.seen);
          emit({
            ...ofFlow(obs),
            score: 0.8,
            key,
            first: obs.seen - span,
            count: n,
            uids: files.uids,
            refs: files.refs,
            features: { files: n, span_s: span / 1e6 },
            explanation: `Renamed ${n} files of ${event.path ?? 'a share'} to end in ${ending} within ${duration(span)}: ${files.some(4)}.`,
          });
        },
      },
    };
  },
});
