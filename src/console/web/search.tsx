// One box over all events: what was found, when, of which kinds, and the newest of it.
import type { VNode } from 'preact';
import type { Pivot, SearchView } from '../shape.ts';
import { toggled, withParameter } from './alerts.tsx';
import { EventRow } from './event.tsx';
import { countText, timeText } from './format.ts';
import { Histogram } from './histogram.tsx';
import { useAsk } from './http.ts';
import { Fault, pivotPath, Text } from './text.tsx';

const FORMS: Readonly<Record<string, string>> = {
  address: 'exactly this address, in every address field',
  uid: 'the flow with this id',
  mac: 'exactly this link-layer address',
  hash: 'exactly this hash',
  community: 'exactly this community id',
  host: 'this host, by its id and by the addresses that were its own',
  name: 'exactly this name or text',
  contains: 'this text anywhere within names, paths and user agents',
};

/** The page that knows everything of such a value. */
function entityOf(form: string, text: string): Pivot | undefined {
  if (form === 'address') return 'address';
  if (form === 'hash') return 'file';
  if (form === 'host') return 'host';
  return form === 'name' && /^[^\s.]+(\.[^\s.]+)+$/.test(text) ? 'domain' : undefined;
}

function Examples(): VNode {
  return (
    <div class="note">
      <strong>Type into the box above</strong> an address, a host or domain name, a hash, a flow's uid, a MAC address, a
      file name, a user agent, or any part of a text. An exact value is found at once; a part of a text takes longer.
    </div>
  );
}

export function SearchPage({ query }: { query: string }): VNode | null {
  const params = new URLSearchParams(query);
  const text = params.get('q')?.trim() ?? '';
  const { value: v, fault, isBusy } = useAsk<SearchView>(text === '' ? undefined : `/api/search${query}`);
  if (text === '') return <Examples />;
  if (v === undefined)
    return fault === undefined ? (
      <p class="busy" role="status">
        {isBusy ? 'Searching' : ''}
      </p>
    ) : (
      <Fault fault={fault} />
    );
  const entity = entityOf(v.form, text);
  const kinds = params.get('kinds') ?? '';
  const path = (name: string, to: string | undefined): string => withParameter('/search', query, name, to);
  const within = (from: number, to: number): string =>
    withParameter('/search', withParameter('', query, 'from', String(from)).slice(1), 'to', String(to));
  return (
    <div aria-busy={isBusy}>
      <div class="head">
        <h1>
          <Text v={text} max={80} />
        </h1>
        <span>
          {countText(v.total)} {v.total === 1 ? 'event' : 'events'}
        </span>
        {entity === undefined ? null : (
          <a class="main" href={pivotPath(entity, text)}>
            Everything about this {entity}
          </a>
        )}
      </div>
      <p class="facts">
        <span>Looked for {FORMS[v.form] ?? v.form}.</span>
        {v.form === 'contains' ? null : (
          <span>
            <a href={path('form', 'contains')}>Look within texts instead</a>
          </span>
        )}
      </p>
      {v.total === 0 ? (
        <div class="note">
          <strong>Nothing found.</strong>{' '}
          {v.fitted ? 'No event that is in the store has it.' : 'Not in this stretch of time.'}{' '}
          {v.fitted ? null : <a href={`/search?q=${encodeURIComponent(text)}`}>Look in all of time</a>}
          {v.fitted && kinds !== '' ? <a href={path('kinds', undefined)}>Look in all kinds</a> : null}
        </div>
      ) : (
        <>
          <p class="facts">
            <span>
              {timeText(v.from)} to {timeText(v.to)}
            </span>
            {v.fitted ? null : (
              <span>
                <a href={`/search?q=${encodeURIComponent(text)}`}>All of time</a>
              </span>
            )}
          </p>
          <Histogram columns={v.histogram} from={v.from} to={v.to} width={v.width} path={within} />
          <nav class="chips" aria-label="Kinds of events">
            {v.counts.map((c) => (
              <a
                key={c.kind}
                href={path('kinds', toggled(kinds, c.kind))}
                class={kinds.split(',').includes(c.kind) ? 'chip on' : 'chip'}
              >
                {c.kind} <b>{countText(c.count)}</b>
              </a>
            ))}
            {kinds === '' ? null : (
              <a class="chip" href={path('kinds', undefined)}>
                all kinds
              </a>
            )}
          </nav>
          {v.total > v.events.length ? (
            <p class="facts">The newest {countText(v.events.length)}; a column above leads to the others.</p>
          ) : null}
          <div class="events">
            {v.events.map((e) => (
              <EventRow key={`${e.kind} ${e.ref}`} event={e} now={v.now} />
            ))}
          </div>
        </>
      )}
    </div>
  );
}
