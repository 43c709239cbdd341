// One alert: what happened, why each step matched, what to be careful about, what proves it.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { systemClock } from '../../lib/clock.ts';
import type { AlertView, Pivot, StepView, Term } from '../shape.ts';
import { EventRow } from './event.tsx';
import { dayText, shellWord, spanText } from './format.ts';
import { useAsk } from './http.ts';
import { ActLine, Life } from './life.tsx';
import { Packets } from './packets.tsx';
import { Fault, Pivoted, Severity, shown, Text, Time } from './text.tsx';
import { Timeline } from './timeline.tsx';

const EVERY_MS = 30_000;
const COPIED_MS = 2000;
const LIST_SHOWN = 24;
const VALUE_SHOWN = 160;

function Why({ terms }: { terms: readonly Term[] }): VNode {
  if (terms.length === 0) return <p class="why-none">Any record of this kind matches this step.</p>;
  return (
    <ul class="why">
      {terms.map((t) => (
        <li key={t.predicate} class={t.decided}>
          <code>
            <Text v={t.predicate} max={300} />
          </code>
          {t.decided === 'unknown' ? <span class="flag">could not be known</span> : null}
          {t.decided === 'cut' ? <span class="flag">the rest did not fit into the record</span> : null}
          {t.values.length === 0 ? null : (
            <span class="values">
              {t.values.map((v) => (
                <span key={v.name}>
                  <Text v={v.name} max={VALUE_SHOWN} />
                  {v.value === '' ? (
                    '…'
                  ) : (
                    <>
                      {' = '}
                      <b>
                        <Text v={v.value} max={VALUE_SHOWN} />
                      </b>
                    </>
                  )}
                </span>
              ))}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Step({ s, n, now, alert }: { s: StepView; n: number; now: number; alert: string }): VNode {
  return (
    <>
      {s.gap === undefined ? null : <li class="gap">{s.gap < 1e6 ? 'at once' : `${spanText(s.gap)} later`}</li>}
      <li class="step" id={`step-${n}`}>
        <span class="number" aria-hidden="true">
          {n}
        </span>
        <div class="step-head">
          <h3>
            <Text v={s.step} max={64} />
          </h3>
          <Time us={s.at} now={now} />
        </div>
        <Why terms={s.why} />
        {s.event === undefined ? (
          <p class="note">
            {s.ref === 'silence'
              ? 'Concluded when nothing more came: no single record stands for it.'
              : 'The record itself is not in the store; the words above are what is left of it.'}
          </p>
        ) : (
          <EventRow event={s.event} now={now} hasTime={false} />
        )}
        {s.uid === '' ? null : (
          <small>
            All events of its flow: <Pivoted pivot="search" v={s.uid} />
          </small>
        )}
        <Packets reference={s.ref} uid={s.uid} at={s.at} reason={`alert ${alert} step ${s.step}`.slice(0, 200)} />
      </li>
    </>
  );
}

const PIVOTS: Readonly<Record<string, Pivot>> = { host: 'host', domain: 'domain', file: 'file', user: 'search' };

function Values({ name, pivot, values }: { name: string; pivot: Pivot; values: readonly string[] }): VNode | null {
  if (values.length === 0) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {values.slice(0, LIST_SHOWN).map((v) => (
          <span class="value" key={v}>
            <Pivoted pivot={pivot} v={v} max={44} />
          </span>
        ))}
        {values.length > LIST_SHOWN ? <small>and {values.length - LIST_SHOWN} more</small> : null}
      </dd>
    </>
  );
}

export function Command({ text }: { text: string }): VNode {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    systemClock.after(COPIED_MS, () => setCopied(false));
  };
  return (
    <div class="command">
      <code>{shown(text, 400)}</code>
      <button type="button" onClick={() => void copy()}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}

function Evidence({ view }: { view: AlertView }): VNode {
  const counts = new Map<string, number>();
  for (const e of view.evidence) counts.set(e.state, (counts.get(e.state) ?? 0) + 1);
  return (
    <section aria-labelledby="evidence">
      <h2 id="evidence">Evidence</h2>
      <p>
        {view.evidence.length === 0
          ? 'No packets or files are held for this alert. Its events are in the store.'
          : [...counts].map(([state, n]) => `${n} ${n === 1 ? 'lease' : 'leases'} ${shown(state, 16)}`).join(', ')}
      </p>
      <p>On the sensor, with its evidence folder, this writes one archive of packets, files, hashes and signatures:</p>
      <Command
        text={`catenary evidence export ${shellWord(view.alert.id)} --dir EVIDENCE --alerts alerts.ndjson --out evidence.tar`}
      />
      <p>Anybody can check the archive with openssl and sha256sum, without Catenary:</p>
      <Command text="sh verify.sh FINGERPRINT" />
    </section>
  );
}

export function AlertPage({ id }: { id: string }): VNode | null {
  const [round, setRound] = useState(0);
  const { value: v, fault } = useAsk<AlertView>(`/api/alerts/${encodeURIComponent(id)}?${round}`, EVERY_MS);
  if (v === undefined) return fault === undefined ? null : <Fault fault={fault} />;
  const a = v.alert;
  return (
    <article>
      <div class="head">
        <Severity v={a.severity} />
        <h1>
          <Text v={a.title} max={160} />
        </h1>
      </div>
      <p class="facts">
        <span>
          {shown(a.status, 16)}, revision {a.revision}
        </span>
        <span>score {a.score}</span>
        <span>confidence {a.confidence}</span>
        <span>
          chain <Text v={a.chain} max={64} /> {v.chainVersion}
        </span>
        <span>
          detected <Time us={a.detectedAt} now={v.now} />
        </span>
        <span>
          {v.seenBy.length > 1 ? 'seen by sensors ' : 'sensor '}
          {v.seenBy.map((s, i) => (
            <>
              {i === 0 ? null : ', '}
              {s.id === a.id ? (
                <Text v={s.sensor} max={40} />
              ) : (
                <a href={`/alerts/${encodeURIComponent(s.id)}`}>
                  <Text v={s.sensor} max={40} />
                </a>
              )}
            </>
          ))}
        </span>
        {v.attack.map((t) => (
          <span key={t} class="mono">
            {shown(t, 16)}
          </span>
        ))}
      </p>
      <Life key={a.id} view={v} onDone={() => setRound((n) => n + 1)} />
      {v.statusReason === undefined ? null : <p class="note">{shown(v.statusReason, 400)}</p>}
      <p class="story">
        <Text v={v.story} max={4000} />
      </p>
      {v.flags.map((f) => (
        <p class="note careful" key={f.flag}>
          <strong>{shown(f.flag.replaceAll('_', ' '), 40)}</strong> {f.meaning}
        </p>
      ))}
      <section aria-labelledby="chain">
        <h2 id="chain">
          The chain{' '}
          <small>
            {dayText(a.first)} to {dayText(a.last)}, {spanText(a.last - a.first)}
          </small>
        </h2>
        <Timeline steps={v.steps} others={v.otherStarts} />
        <ol class="steps">
          {v.steps.map((s, i) => (
            <Step key={s.ref} s={s} n={i + 1} now={v.now} alert={a.id} />
          ))}
        </ol>
      </section>
      {v.otherStarts.length === 0 ? null : (
        <section aria-labelledby="others">
          <h2 id="others">
            Other starts <small>it may as well have begun with these</small>
          </h2>
          {v.otherStarts.map((run) =>
            run.map((s) =>
              s.event === undefined ? (
                <p key={s.ref}>
                  <Text v={s.step} max={64} /> <Time us={s.at} now={v.now} />
                </p>
              ) : (
                <EventRow key={s.ref} event={s.event} now={v.now} />
              ),
            ),
          )}
        </section>
      )}
      <div class="columns">
        <section aria-labelledby="who">
          <h2 id="who">Who and what</h2>
          <dl class="fields">
            {v.entities.map((e) => (
              <>
                <dt key={`t ${e.role}`}>{shown(e.role, 32)}</dt>
                <dd key={`d ${e.role}`}>
                  <Pivoted pivot={PIVOTS[e.class] ?? 'search'} v={e.value} max={72} />
                </dd>
              </>
            ))}
            <Values name="addresses" pivot="address" values={v.addresses} />
            <Values name="names" pivot="domain" values={v.names} />
            <Values name="users" pivot="search" values={v.users} />
            <Values name="hashes" pivot="file" values={v.hashes} />
          </dl>
        </section>
        <Evidence view={v} />
      </div>
      <div class="columns">
        <section aria-labelledby="history">
          <h2 id="history">History</h2>
          {v.acts.length === 0 ? <p>Nobody has done anything about it yet.</p> : null}
          <ol class="acts plain">
            {v.acts.map((act) => (
              <ActLine key={`${act.at} ${act.act} ${act.other}`} a={act} now={v.now} />
            ))}
          </ol>
        </section>
        <section aria-labelledby="weighed">
          <h2 id="weighed">Why this score</h2>
          <ul class="plain">
            {v.scored.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
          <h2 id="revisions">Revisions</h2>
          <ol class="revisions">
            {v.revisions.map((r) => (
              <li key={r.revision} value={r.revision}>
                {shown(r.status, 16)} <Time us={r.at} now={v.now} />
              </li>
            ))}
          </ol>
        </section>
      </div>
    </article>
  );
}
