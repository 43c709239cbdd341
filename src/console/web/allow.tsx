// The allow-list: what is held back, why, who said so, until when, and how much it was.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { AllowAnswer, EntryView } from '../shape.ts';
import { countText } from './format.ts';
import { post, type Trouble, useAsk } from './http.ts';
import { Fault, shown, Text, Time } from './text.tsx';

const EVERY_MS = 30_000;
const REASON_MAX = 2000;

function Asked({ what, v, any }: { what: string; v: string; any: string }): VNode {
  return (
    <span class="asked">
      {what} {v === '' ? <small class="inline">{any}</small> : <Text v={v} max={60} mono />}
    </span>
  );
}

function Removal({ n, onDone }: { n: number; onDone: () => void }): VNode {
  const [isOpen, setOpen] = useState(false);
  const [fault, setFault] = useState<Trouble>();
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const text = String(new FormData(event.target as HTMLFormElement).get('text') ?? '');
    const got = await post(`/api/allow/${n}`, { text });
    if (got.ok) onDone();
    else setFault(got.fault);
  };
  if (!isOpen)
    return (
      <button type="button" onClick={() => setOpen(true)}>
        Take off
      </button>
    );
  return (
    <form class="removal" onSubmit={(event) => void submit(event)}>
      <label class="hidden" for={`why-${n}`}>
        Why
      </label>
      <input id={`why-${n}`} name="text" placeholder="Why" required maxLength={REASON_MAX} dir="auto" />
      <button type="submit" class="main">
        Take off
      </button>
      {fault === undefined ? null : <Fault fault={fault} />}
    </form>
  );
}

function Row({ e, now, onDone }: { e: EntryView; now: number; onDone: () => void }): VNode {
  return (
    <tr id={`entry-${e.n}`} class={e.state === 'holds' ? undefined : 'over'}>
      <td class="num">{e.n}</td>
      <td class="what">
        <div class="asks">
          <Asked what="chain" v={e.chain} any="any" />
          <Asked what="of" v={e.entity} any="anybody" />
          <Asked what="with" v={e.value} any="anything" />
          <Asked what="from" v={e.sensor} any="any sensor" />
        </div>
        <Text v={e.reason} max={300} />
      </td>
      <td>
        <Text v={e.actor} max={40} />
        <Time us={e.from} now={now} wrap />
        {e.alert === '' ? null : (
          <small>
            after <a href={`/alerts/${encodeURIComponent(e.alert)}`}>{shown(e.alert, 20)}</a>
          </small>
        )}
      </td>
      <td class="num">
        {countText(e.held)}
        {e.lastHeld === undefined ? null : (
          <small>
            last <Time us={e.lastHeld} now={now} wrap />
          </small>
        )}
      </td>
      <td>
        {e.removed === undefined ? (
          <Time us={e.until} now={now} wrap />
        ) : (
          <>
            taken off by <Text v={e.removed.actor} max={40} />
            <Time us={e.removed.at} now={now} wrap />
            <small>
              <Text v={e.removed.text} max={120} />
            </small>
          </>
        )}
      </td>
      <td>{e.state === 'holds' ? <Removal n={e.n} onDone={onDone} /> : e.state === 'ended' ? 'ended' : null}</td>
    </tr>
  );
}

export function AllowPage(): VNode {
  const [round, setRound] = useState(0);
  const { value, fault } = useAsk<AllowAnswer>(`/api/allow?${round}`, EVERY_MS);
  return (
    <>
      <div class="head">
        <h1>Allow-list</h1>
      </div>
      <p>
        Alerts that fit an entry are held back when they come. They are not gone:{' '}
        <a href="/?state=suppressed">see them</a>. Sensors go on to conclude them and to keep their evidence. An entry
        is made where an alert is closed.
      </p>
      {fault === undefined ? null : <Fault fault={fault} />}
      {value === undefined ? null : value.entries.length === 0 ? (
        <div class="note">
          <strong>Nothing is held back.</strong> Open an alert and choose “Hold back others”.
        </div>
      ) : (
        <div class="scroll">
          <table class="alerts allow">
            <thead>
              <tr>
                <th scope="col" class="num">
                  Entry
                </th>
                <th scope="col">Holds back, and why</th>
                <th scope="col">Who, UTC</th>
                <th scope="col" class="num">
                  Held back
                </th>
                <th scope="col">Until, UTC</th>
                <th scope="col">
                  <span class="hidden">Take off</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {value.entries.map((e) => (
                <Row key={e.n} e={e} now={value.now} onDone={() => setRound((n) => n + 1)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
