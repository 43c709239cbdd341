// What has become of an alert, and what somebody can do about it: acknowledge, note, close with a verdict, reopen; and
// hold back others like it.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { ActView, AlertView, EntityLink } from '../shape.ts';
import { post, type Trouble } from './http.ts';
import { Fault, shown, Text, Time } from './text.tsx';

const TEXT_MAX = 2000;
const DAYS = [7, 30, 90, 365];
const DAYS_FIRST = 90;

export const STATE_NAMES: Readonly<Record<string, string>> = {
  new: 'new',
  acknowledged: 'acknowledged',
  closed: 'closed',
  suppressed: 'held back',
  twin: 'seen elsewhere',
};

const VERDICTS: readonly (readonly [verdict: string, meaning: string])[] = [
  ['true', 'true: it happened, and it is bad'],
  ['benign', 'benign: it happened, and it may'],
  ['false', 'false: it did not happen'],
];

export function StateMark({ v }: { v: string }): VNode {
  const known = v in STATE_NAMES ? v : 'new';
  return <span class={`state state-${known}`}>{STATE_NAMES[known]}</span>;
}

const SAID: Readonly<Record<string, string>> = {
  ack: 'acknowledged it',
  note: 'noted',
  reopen: 'reopened it',
  allow: 'holds back others like it',
  disallow: 'took the entry off',
  held: 'held it back',
  twin: 'is told by another sensor too',
};

/** Notes keep their lines; each is safe by itself. */
function Lines({ text }: { text: string }): VNode | null {
  if (text === '') return null;
  return (
    <div class="said">
      {text.split(/\r?\n/).map((line, i) => (
        <p key={i}>{line === '' ? '\u00a0' : <Text v={line} max={TEXT_MAX} />}</p>
      ))}
    </div>
  );
}

export function ActLine({ a, now }: { a: ActView; now: number }): VNode {
  return (
    <li>
      <Time us={a.at} now={now} />{' '}
      <strong>
        <Text v={a.actor} max={64} />
      </strong>
      {a.address === '' ? null : <small> from {shown(a.address, 64)}</small>}{' '}
      {a.act === 'close' ? `closed it: ${shown(a.verdict, 16)}` : (SAID[a.act] ?? shown(a.act, 16))}
      {a.entry === 0 ? null : (
        <>
          {' '}
          by <a href={`/allow#entry-${a.entry}`}>entry {a.entry}</a>
        </>
      )}
      {a.other === '' ? null : (
        <>
          {' '}
          <a href={`/alerts/${encodeURIComponent(a.other)}`}>{shown(a.other, 20)}</a>
        </>
      )}
      <Lines text={a.text} />
    </li>
  );
}

const nameOf = (e: EntityLink): string => `${e.class}:${e.value}`;

/** Which others like this one are held back: what it has in common with them. */
function Scope({ view }: { view: AlertView }): VNode {
  const main = view.alert.host?.id;
  const hosts = view.entities
    .filter((e) => e.class === 'host' || e.class === 'user')
    // Whom it happened to comes first: who else was in it is seldom what others have in common.
    .sort((a, b) => Number(b.value === main) - Number(a.value === main));
  const values = view.entities.filter((e) => e.class !== 'host' && e.class !== 'user');
  const options = (list: readonly EntityLink[], any: string): VNode[] => [
    ...list.map((e) => (
      <option key={nameOf(e)} value={nameOf(e)}>
        {e.role} {shown(e.value, 60)}
      </option>
    )),
    <option key="" value="">
      {any}
    </option>,
  ];
  const sensors = [...new Set(view.seenBy.map((s) => s.sensor))];
  return (
    <fieldset class="scope">
      <legend>Held back, when it has all of this</legend>
      <label>
        Chain
        <select name="chain">
          <option value={view.alert.chain}>{shown(view.alert.chain, 60)}</option>
          <option value="">any chain</option>
        </select>
      </label>
      <label>
        Of
        <select name="entity">{options(hosts, 'anybody')}</select>
      </label>
      <label>
        With
        <select name="value">{options(values, 'anything')}</select>
      </label>
      <label>
        Sensor
        <select name="sensor">
          <option value="">any sensor</option>
          {sensors.map((s) => (
            <option key={s} value={s}>
              {shown(s, 40)}
            </option>
          ))}
        </select>
      </label>
      <label>
        For
        <select name="days">
          {DAYS.map((d) => (
            <option key={d} value={d} selected={d === DAYS_FIRST}>
              {d} days
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input type="checkbox" name="also_open" /> Also those that are new now
      </label>
    </fieldset>
  );
}

type Form = 'note' | 'close' | 'reopen' | 'allow' | undefined;

export function Life({ view, onDone }: { view: AlertView; onDone: () => void }): VNode {
  const { id, state = 'new' } = view.alert;
  const [form, setForm] = useState<Form>();
  const [isAllowing, setAllowing] = useState(false);
  const [fault, setFault] = useState<Trouble>();
  const [isBusy, setBusy] = useState(false);
  const path = `/api/alerts/${encodeURIComponent(id)}`;

  const run = async (asked: readonly (readonly [path: string, body: object])[]): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    for (const [to, body] of asked) {
      const got = await post(to, body);
      if (!got.ok) {
        setFault(got.fault);
        setBusy(false);
        return;
      }
    }
    setBusy(false);
    setForm(undefined);
    setAllowing(false);
    onDone();
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    const said = (name: string): string => String(data.get(name) ?? '');
    const text = said('text');
    const scope = { chain: said('chain'), entity: said('entity'), value: said('value'), sensor: said('sensor') };
    const also_open = data.get('also_open') !== null;
    const allow = ['/api/allow', { alert: id, text, ...scope, days: Number(said('days')), also_open }] as const;
    if (form === 'allow') void run([allow]);
    // The entry first: when it is refused nothing is closed, and the form stays as it was.
    else if (form === 'close')
      void run([...(isAllowing ? [allow] : []), [path, { act: 'close', text, verdict: said('verdict') }]]);
    else void run([[path, { act: form, text }]]);
  };
  const open = (which: Form): void => {
    setFault(undefined);
    setForm(form === which ? undefined : which);
  };
  const button = (which: Form, name: string, isMain = false): VNode => (
    <button type="button" class={isMain ? 'main' : ''} aria-expanded={form === which} onClick={() => open(which)}>
      {name}
    </button>
  );
  return (
    <section class="life" aria-labelledby="life">
      <h2 id="life" class="hidden">
        What has become of it
      </h2>
      <div class="actions">
        <StateMark v={state} />
        {state === 'new' || state === 'suppressed' || state === 'twin' ? (
          <button type="button" disabled={isBusy} onClick={() => void run([[path, { act: 'ack', text: '' }]])}>
            Acknowledge
          </button>
        ) : null}
        {button('note', 'Note')}
        {state === 'closed' ? null : button('close', 'Close')}
        {state === 'new' ? null : button('reopen', 'Reopen')}
        {button('allow', 'Hold back others')}
      </div>
      {fault === undefined ? null : <Fault fault={fault} />}
      {form === undefined ? null : (
        <form class="deciding" onSubmit={submit}>
          {form === 'close' ? (
            <fieldset class="verdicts">
              <legend>Verdict</legend>
              {VERDICTS.map(([v, meaning]) => (
                <label class="check" key={v}>
                  <input type="radio" name="verdict" value={v} required /> {meaning}
                </label>
              ))}
            </fieldset>
          ) : null}
          <label for="text">{form === 'note' ? 'Note' : form === 'reopen' ? 'Why, if you like' : 'Why'}</label>
          <textarea id="text" name="text" rows={3} maxLength={TEXT_MAX} required={form !== 'reopen'} dir="auto" />
          {form === 'close' ? (
            <label class="check">
              <input
                type="checkbox"
                checked={isAllowing}
                onChange={(e) => setAllowing((e.target as HTMLInputElement).checked)}
              />{' '}
              Hold back others like it
            </label>
          ) : null}
          {form === 'allow' || (form === 'close' && isAllowing) ? <Scope view={view} /> : null}
          <div class="actions">
            <button type="submit" class="main" disabled={isBusy}>
              {form === 'note'
                ? 'Add note'
                : form === 'close'
                  ? 'Close alert'
                  : form === 'reopen'
                    ? 'Reopen'
                    : 'Hold back'}
            </button>
            <button type="button" onClick={() => open(undefined)}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </section>
  );
}
