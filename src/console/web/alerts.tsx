// The first page: what needs somebody.
import type { VNode } from 'preact';
import type { AlertsAnswer } from '../shape.ts';
import { AlertTable } from './alert_table.tsx';
import { countText } from './format.ts';
import { useAsk } from './http.ts';
import { Fault } from './text.tsx';

const EVERY_MS = 30_000;
/** What somebody may have to do something about. */
const OPEN = 'new,acknowledged';
/** Chips: what is asked for, its name, and the states that it counts. */
const STATES: readonly (readonly [asked: string, name: string, states: readonly string[]])[] = [
  ['', 'open', ['new', 'acknowledged']],
  ['new', 'new', ['new']],
  ['acknowledged', 'acknowledged', ['acknowledged']],
  ['closed', 'closed', ['closed']],
  ['suppressed', 'held back', ['suppressed']],
  ['twin', 'seen elsewhere', ['twin']],
];
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];

/** The same page with one thing asked otherwise. */
export function withParameter(path: string, query: string, name: string, value: string | undefined): string {
  const params = new URLSearchParams(query);
  if (value === undefined || value === '') params.delete(name);
  else params.set(name, value);
  if (name !== 'page' && path !== '') params.delete('page');
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

export function toggled(list: string, item: string): string {
  const all = list === '' ? [] : list.split(',');
  return (all.includes(item) ? all.filter((v) => v !== item) : [...all, item]).join(',');
}

export function AlertsPage({ query }: { query: string }): VNode {
  const params = new URLSearchParams(query);
  const state = params.get('state') ?? '';
  const asked = useAsk<AlertsAnswer>(
    `/api/alerts${withParameter('', query, 'state', state === '' ? OPEN : state)}`,
    EVERY_MS,
  );
  const severity = params.get('severity') ?? '';
  const order = params.get('order') ?? 'score';
  const page = Number(params.get('page') ?? 1);
  const { value, fault } = asked;
  const isFiltered = severity !== '' || state !== '';
  const others = Object.values(value?.counts ?? {}).reduce((n, count) => n + count, 0);
  return (
    <>
      <div class="head">
        <h1>Alerts</h1>
        <nav class="chips" aria-label="State">
          {STATES.map(([which, name, counted]) => (
            <a
              key={name}
              href={withParameter('/', query, 'state', which)}
              class={state === which ? 'chip on' : 'chip'}
              aria-current={state === which}
            >
              {name}{' '}
              <b>{value === undefined ? '' : countText(counted.reduce((n, s) => n + (value.counts[s] ?? 0), 0))}</b>
            </a>
          ))}
        </nav>
        <nav class="chips" aria-label="Severity">
          {SEVERITIES.map((s) => (
            <a
              key={s}
              href={withParameter('/', query, 'severity', toggled(severity, s))}
              class={severity.split(',').includes(s) ? 'chip on' : 'chip'}
              aria-current={severity.split(',').includes(s)}
            >
              {s}
            </a>
          ))}
        </nav>
        <nav class="chips" aria-label="Order">
          <a href={withParameter('/', query, 'order', undefined)} class={order === 'score' ? 'chip on' : 'chip'}>
            worst first
          </a>
          <a href={withParameter('/', query, 'order', 'newest')} class={order === 'newest' ? 'chip on' : 'chip'}>
            newest first
          </a>
        </nav>
      </div>
      {fault === undefined ? null : <Fault fault={fault} />}
      {value === undefined ? null : value.alerts.length === 0 ? (
        <div class="note">
          {isFiltered ? (
            <>
              <strong>No such alert.</strong> <a href="/">Show all that are open</a>
            </>
          ) : page > 1 ? (
            <strong>No more alerts.</strong>
          ) : others > 0 ? (
            <strong>No alert is open: all that came are dealt with.</strong>
          ) : (
            <>
              <strong>No chain has finished.</strong> That means something only where sensors are listening:{' '}
              <a href="/sensors">look at them</a>, or search what they have seen with <kbd>/</kbd>.
            </>
          )}
        </div>
      ) : (
        <AlertTable alerts={value.alerts} now={value.now} />
      )}
      {value !== undefined && (page > 1 || value.more) ? (
        <nav class="pages" aria-label="More alerts">
          {page > 1 ? <a href={withParameter('/', query, 'page', String(page - 1))}>Previous</a> : null}
          <span>Page {page}</span>
          {value.more ? <a href={withParameter('/', query, 'page', String(page + 1))}>Next</a> : null}
        </nav>
      ) : null}
    </>
  );
}
