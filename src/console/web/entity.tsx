// All that the store knows of one host, address, domain or file.
import type { VNode } from 'preact';
import type { EntityAnswer } from '../shape.ts';
import { AlertTable } from './alert_table.tsx';
import { bytesText, countText } from './format.ts';
import { useAsk } from './http.ts';
import { Fault, Pivoted, Text, Time } from './text.tsx';

const PEERS: Readonly<Record<string, string>> = {
  address: 'Talked with',
  host: 'Talked with',
  domain: 'Asked for by',
  file: 'Received by',
};

export function EntityPage({ cls, value }: { cls: string; value: string }): VNode | null {
  const { value: v, fault } = useAsk<EntityAnswer>(`/api/entity/${encodeURIComponent(`${cls}:${value}`)}`);
  if (v === undefined) return fault === undefined ? null : <Fault fault={fault} />;
  const s = v.summary;
  const most = Math.max(1, ...(s?.peers ?? []).map((p) => p.count));
  return (
    <article>
      <div class="head">
        <span class="kind">{v.class}</span>
        <h1 class="mono">
          <Text v={v.value} max={72} />
        </h1>
        <a class="main" href={`/search?q=${encodeURIComponent(v.value)}`}>
          Its events
        </a>
      </div>
      {s === undefined ? (
        <div class="note">
          <strong>The store does not know this {v.class}.</strong> Who talked to whom is kept for 400 days, everything
          else for as long as the collector says.{' '}
          <a href={`/search?q=${encodeURIComponent(v.value)}`}>Search for the text</a>
        </div>
      ) : (
        <dl class="figures">
          <div>
            <dt>First seen</dt>
            <dd>
              <Time us={s.first} now={v.now} wrap />
            </dd>
          </div>
          <div>
            <dt>Last seen</dt>
            <dd>
              <Time us={s.last} now={v.now} wrap />
            </dd>
          </div>
          <div>
            <dt>Seen on</dt>
            <dd>
              {countText(s.days)} {s.days === 1 ? 'day' : 'days'}
            </dd>
          </div>
          <div>
            <dt>{v.class === 'address' ? 'Flows' : 'Events'}</dt>
            <dd>{countText(s.count)}</dd>
          </div>
          {s.sentBytes === undefined ? null : (
            <div>
              <dt>Sent, received</dt>
              <dd title={`${countText(s.sentBytes)} and ${countText(s.receivedBytes ?? 0)} bytes`}>
                {bytesText(s.sentBytes)}, {bytesText(s.receivedBytes ?? 0)}
              </dd>
            </div>
          )}
          <div>
            <dt>By sensor</dt>
            <dd>
              {s.sensors.map((name) => (
                <span class="value" key={name}>
                  <Text v={name} max={40} />
                </span>
              ))}
            </dd>
          </div>
        </dl>
      )}
      <section aria-labelledby="alerts">
        <h2 id="alerts">Alerts</h2>
        {v.alerts.length === 0 ? <p>No chain that finished names it.</p> : <AlertTable alerts={v.alerts} now={v.now} />}
      </section>
      <div class="columns">
        {v.names.length === 0 ? null : (
          <section aria-labelledby="names">
            <h2 id="names">Known as</h2>
            <ul class="plain">
              {v.names.map((n) => (
                <li key={`${n.class} ${n.value}`}>
                  <Pivoted pivot={n.class} v={n.value} max={56} /> <small>{n.source}</small>
                </li>
              ))}
            </ul>
          </section>
        )}
        {s === undefined || s.peers.length === 0 ? null : (
          <section aria-labelledby="peers">
            <h2 id="peers">{PEERS[v.class] ?? 'With'}</h2>
            <table class="peers">
              <tbody>
                {s.peers.map((p) => (
                  <tr key={p.value}>
                    <td>
                      <Pivoted pivot={p.class} v={p.value} max={44} />
                    </td>
                    <td class="num">{countText(p.count)}</td>
                    <td class="share">
                      <meter
                        min={0}
                        max={most}
                        value={p.count}
                        aria-label={`${countText(p.count)} of ${countText(most)}`}
                      />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
        {s === undefined || s.counts.length < 2 ? null : (
          <section aria-labelledby="counts">
            <h2 id="counts">By kind</h2>
            <table class="peers">
              <tbody>
                {s.counts.map((c) => (
                  <tr key={c.kind}>
                    <td>
                      <a href={`/search?q=${encodeURIComponent(v.value)}&kinds=${c.kind}`}>{c.kind}</a>
                    </td>
                    <td class="num">{countText(c.count)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
      </div>
    </article>
  );
}
