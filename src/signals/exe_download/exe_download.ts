// A local host receives something that runs from a remote one.
//
// The fact alone is ordinary; the score says how little it looks like an update: how few hosts have the file, how it
// came, whether its name tells the truth. Files that nobody else has are what a targeted lure and a fresh packer have
// in common.
import { onceADay } from '../daily.ts';
import { ofFile } from '../flow.ts';
import { publicName } from '../names.ts';
import { DAY, defineSignal } from '../signal.ts';
import { type ExeClass, executable } from './exe_types.ts';

const BASE: Readonly<Record<ExeClass, number>> = {
  program: 0.5,
  installer: 0.4,
  script: 0.4,
  shortcut: 0.5,
  'macro document': 0.4,
  'disk image': 0.3,
};

export default defineSignal({
  id: 'exe_download',
  version: 1,
  brief: 'A local host receives an executable, script, installer or macro document from a remote one.',
  attack: ['T1105', 'T1204.002'],
  needs: ['file'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and file, with the day they were last told' },
  settings: {
    score_min: 0.3,
    days: 90,
    /** So many hosts have it: nothing rare. */
    common_hosts: 5,
    pairs_max: 50_000,
    /** Where systems get their updates from; an executable from below these scores less. */
    updaters: [
      ...[
        'windowsupdate.com',
        'microsoft.com',
        'office.net',
        'apple.com',
        'ubuntu.com',
        'debian.org',
        'fedoraproject.org',
      ],
      ...['redhat.com', 'opensuse.org', 'google.com', 'gvt1.com', 'mozilla.net', 'mozilla.org', 'adobe.com'],
    ] as readonly string[],
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        file(obs, event, emit) {
          const rx = obs.hosts.rx_host;
          const tx = obs.hosts.tx_host;
          if (rx === undefined || tx === undefined || !rx.local || tx.local) return;
          const exe = executable(event.mime_type, event.filename, event.url);
          if (exe === undefined) return;
          const sha = event.sha256;
          const from = publicName(event.host);
          const isClear = event.source === 'http' && !(event.url ?? '').toLowerCase().startsWith('https:');
          const isUpdater = from !== undefined && settings.updaters.some((u) => from === u || from.endsWith(`.${u}`));
          const isByAddress = event.source === 'http' && from === undefined;
          const hosts = sha === null ? 0 : memory.prevalence('file', sha, settings.days, obs.seen);
          const known = sha === null ? undefined : memory.look('file', sha);
          const isRare = sha !== null && hosts <= 2;
          const isCommon = hosts > settings.common_hosts;
          let score = BASE[exe.class];
          if (isRare) score += 0.2;
          if (isCommon) score -= 0.3;
          if (isClear && !isUpdater) score += 0.1;
          if (isByAddress) score += 0.1;
          if (exe.isDisguised || exe.isDoubled) score += 0.2;
          if (isUpdater) score -= 0.3;
          if (score < settings.score_min) return;
          // A file with holes has no hash: its place stands for it.
          const what = sha ?? event.url ?? event.filename ?? event.fuid;
          const key = `${rx.id}|${what}`;
          if (!isNewToday(key, obs.seen)) return;
          const reasons: string[] = [];
          if (sha === null) reasons.push('bytes are missing, so its hash is unknown');
          else if (hosts > 16) reasons.push(`more than 16 hosts received it in ${settings.days} days`);
          else reasons.push(`${hosts <= 1 ? 'no other host' : `${hosts} hosts`} received it in ${settings.days} days`);
          if (exe.isDisguised) reasons.push('its name says it is something else');
          if (exe.isDoubled) reasons.push('it has a second extension before the real one');
          if (isByAddress) reasons.push('it was asked for by address');
          if (isUpdater) reasons.push('its source is a known updater');
          const name = exe.name === '' ? 'no name' : exe.name.slice(0, 200);
          emit({
            ...ofFile(obs),
            score,
            key,
            dstName: from ?? null,
            features: {
              prevalence: hosts,
              known_days: known?.first === undefined ? 0 : (obs.seen - known.first) / DAY,
              bytes: event.seen_bytes,
              entropy: event.entropy ?? 0,
              in_clear: isClear ? 1 : 0,
              by_address: isByAddress ? 1 : 0,
              disguised: exe.isDisguised ? 1 : 0,
              double_extension: exe.isDoubled ? 1 : 0,
              updater: isUpdater ? 1 : 0,
            },
            explanation:
              `Received a ${exe.class} (${event.mime_type ?? 'unknown type'}, ${name}, ${event.seen_bytes} bytes) over ` +
              `${event.source} from ${from ?? event.tx_host}: ${reasons.join('; ')}.`,
          });
        },
      },
    };
  },
});
