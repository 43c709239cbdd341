// One client asks a web server for many things that are not there, or for what nobody links to.
import { hash32 } from '../distinct.ts';
import { duration, ofFlow } from '../flow.ts';
import { publicName } from '../names.ts';
import { Recent, recentCodec } from '../recent.ts';
import { firstIn, plainUri } from '../request.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

/** Files that hold secrets or open doors, and that no page links to. */
const SECRETS = [
  ...[
    '/.env',
    '/.git/',
    '/.svn/',
    '/.aws/',
    '/.ssh/',
    '/.htpasswd',
    '/wp-config.php',
    '/config.php.bak',
    '/backup.sql',
  ],
  ...['/phpmyadmin', '/phpinfo.php', '/server-status', '/actuator/env', '/.ds_store', '/id_rsa', '/web.config'],
];
/** Scanners that say what they are. */
const SCANNERS = [
  ...['sqlmap', 'nikto', 'nmap scripting', 'masscan', 'zgrab', 'gobuster', 'dirbuster', 'wpscan', 'nuclei', 'nessus'],
  ...['acunetix', 'openvas', 'w3af', 'arachni', 'feroxbuster', 'ffuf', 'whatweb', 'netsparker', 'qualys'],
];
const MISSES = 64;
const AGENT_MAX = 256;

export default defineSignal({
  id: 'web_scan',
  version: 1,
  brief: 'One client asks a web server for much that is not there, or for secrets.',
  attack: ['T1595.002', 'T1595.003'],
  needs: ['http'],
  budget: { bytes: 100_000_000, holds: '16,384 pairs of client and server, with up to 64 misses each' },
  settings: {
    /** Distinct paths that were not found or forbidden, within the window. At most 64. */
    misses_min: 20,
    window_minutes: 5,
    pairs_max: 16_384,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const pairs = keyed('pairs', { max: settings.pairs_max, idle: DAY }, recentCodec);
    return {
      on: {
        http(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || event.uri === null) return;
          const status = event.status_code ?? 0;
          const isMiss = status === 404 || status === 403 || status === 400 || status === 405;
          const uri = plainUri(event.uri);
          const secret = firstIn(uri, SECRETS);
          const agent = (event.user_agent ?? '').slice(0, AGENT_MAX).toLowerCase();
          const scanner = firstIn(agent, SCANNERS);
          if (!isMiss && secret === undefined && scanner === undefined) return;
          const key = `${src.id}|${dst.id}`;
          const e = pairs.get(key, obs.seen) ?? pairs.add(key, new Recent(), obs.seen);
          const r = e.value;
          pairs.touch(e, obs.seen);
          const query = uri.indexOf('?');
          const path = query < 0 ? uri : uri.slice(0, query);
          const n = isMiss ? r.add(hash32(path).toString(36), obs.seen, window, MISSES) : r.size;
          r.trail(event.uid, obs.ref);
          const isMany = n >= settings.misses_min;
          if ((!isMany && secret === undefined && scanner === undefined) || !r.firstOn(dayOf(obs.seen))) return;
          const why = isMany
            ? `asked for ${n} paths that are not there within ${duration(obs.seen - r.since(obs.seen))}`
            : scanner === undefined
              ? `asked for ${secret}`
              : `is ${scanner}, by its own word`;
          emit({
            ...ofFlow(obs),
            score: isMany || scanner !== undefined ? 0.6 : status >= 200 && status < 300 ? 0.7 : 0.5,
            key,
            count: Math.max(1, n),
            dstName: publicName(event.host) ?? null,
            uids: r.uids,
            refs: r.refs,
            attack: isMany ? ['T1595.003'] : ['T1595.002'],
            features: {
              misses: n,
              secret: secret === undefined ? 0 : 1,
              scanner: scanner === undefined ? 0 : 1,
              status,
              from_inside: src.local ? 1 : 0,
            },
            explanation: `${event.orig_h} ${why}, at ${event.resp_h}:${event.resp_p}; the last answer was ${status || 'none'}.`,
          });
        },
      },
    };
  },
});
