// weird.log: Zeek 8's columns, then our own name for it.
import { type Draft, defineLog, ends, sourceBack, sourceName } from '../columns.ts';
import { ZEEK_WEIRDS } from '../weird_names.ts';

/** Ours by Zeek's name and source; several of ours that Zeek calls the same stay with Zeek's name. */
const OURS = new Map<string, string | undefined>();
for (const [ours, [name, source]] of ZEEK_WEIRDS) {
  const key = `${name} ${source ?? ''}`;
  OURS.set(key, OURS.has(key) ? undefined : ours);
}

function complete(draft: Draft): void {
  draft.name = draft.own_name ?? OURS.get(`${draft.zeek_name} ${draft.zeek_source ?? ''}`) ?? draft.zeek_name;
  draft.count ??= 1;
}

export const WEIRD = defineLog(
  'weird',
  'weird',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col(
      'name',
      'string',
      (e) => ZEEK_WEIRDS.get(e.name)?.[0] ?? e.name,
      'unset',
      (name: string, draft) => {
        draft.zeek_name = name;
      },
    ),
    col('addl', 'string'),
    col('notice', 'bool'),
    // Zeek names the node of its cluster that saw it.
    col('peer', 'string', () => 'catenary'),
    col(
      'source',
      'string',
      (e) => {
        const zeek = ZEEK_WEIRDS.get(e.name);
        return zeek === undefined ? sourceName(e.source) : zeek[1];
      },
      'unset',
      (source: string, draft) => {
        draft.zeek_source = source;
        sourceBack(source as never, draft);
      },
    ),
    col(
      'own_name',
      'string',
      (e) => e.name,
      'unset',
      (name: string, draft) => {
        draft.own_name = name;
      },
    ),
  ],
  ['proto'],
  undefined,
  complete,
);
