// A parameter of a request is a piece of SQL.
//
// Words of SQL are words of English too; so pairs of words that stand as SQL has them, or a quote with a comparison
// that is always true. Spaces are written as comments by those who hide: they count as spaces.

import { onceADay } from '../daily.ts';
import { ofFlow } from '../flow.ts';
import { publicName } from '../names.ts';
import { firstIn, plainUri } from '../request.ts';
import { defineSignal } from '../signal.ts';

const STATEMENTS = [
  ...['union select', 'union all select', 'information_schema', 'xp_cmdshell', 'waitfor delay', 'group_concat('],
  ...['benchmark(', 'pg_sleep(', 'extractvalue(', 'updatexml(', 'load_file(', 'into outfile', 'into dumpfile'],
  ...['; drop table', ';drop table', '; exec ', "' and sleep(", "') and sleep("],
];
/** ' or '1'='1, " or 1=1, ' and 2=2: a quote, a word, and two things compared. */
const ALWAYS_TRUE = /['"]\)? {0,3}(?:or|and|\|\|) {1,3}['"]?(\w{1,16})['"]? {0,3}= {0,3}['"]?(\w{1,16})/;
const COMMENT = /\/\*.{0,32}?\*\//g;

/** What is SQL in the query of a URI, if anything. */
export function sqlIn(uri: string | null): string | undefined {
  const at = uri?.indexOf('?') ?? -1;
  if (uri === null || at < 0) return undefined;
  const query = plainUri(uri.slice(at)).replace(COMMENT, ' ').replace(/ {2,}/g, ' ');
  const statement = firstIn(query, STATEMENTS);
  if (statement !== undefined) return statement.trim();
  const same = ALWAYS_TRUE.exec(query);
  return same !== null && same[1] === same[2] ? same[0] : undefined;
}

export default defineSignal({
  id: 'sqli_probe',
  version: 1,
  brief: 'A parameter of a web request is a piece of SQL.',
  attack: ['T1190'],
  needs: ['http'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of hosts, with the day they were last told' },
  settings: {
    /** Taken off when the server refused (4xx). */
    refused: 0.2,
    pairs_max: 50_000,
  },
  run({ settings, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        http(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined) return;
          const sql = sqlIn(event.uri);
          if (sql === undefined) return;
          const status = event.status_code ?? 0;
          const isRefused = status >= 400 && status < 500;
          const isStatement = !/^['"]/.test(sql);
          const key = `${src.id}|${dst.id}|${isStatement ? 'statement' : 'test'}|${isRefused ? 'refused' : 'taken'}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score: (isStatement ? 0.7 : 0.6) - (isRefused ? settings.refused : 0),
            key,
            dstName: publicName(event.host) ?? null,
            features: {
              statement: isStatement ? 1 : 0,
              status,
              refused: isRefused ? 1 : 0,
              from_inside: src.local ? 1 : 0,
            },
            explanation:
              `A parameter of ${(event.uri ?? '').slice(0, 120)} at ${event.resp_h}:${event.resp_p} is SQL ("${sql}"), ` +
              `answered with ${status === 0 ? 'nothing' : status}.`,
          });
        },
      },
    };
  },
});
