// Alerts as rows that read themselves: how bad, what, to whom, when, how long it slept.
import type { VNode } from 'preact';
import type { AlertSummary } from '../shape.ts';
import { countText, shortSpan } from './format.ts';
import { StateMark } from './life.tsx';
import { pivotPath, Severity, shown, Text, Time } from './text.tsx';

function Row({ a, now }: { a: AlertSummary; now: number }): VNode {
  const isOver = a.status === 'retracted';
  return (
    <tr class={isOver ? 'over' : undefined}>
      <td>
        <Severity v={a.severity} />
      </td>
      <td class="what">
        <a href={`/alerts/${encodeURIComponent(a.id)}`} data-row>
          <Text v={a.title} max={90} />
        </a>
        <small>
          <Text v={a.chain} max={60} /> · {countText(a.steps)} steps
          {a.flags.map((flag) => (
            <span class="flag" key={flag}>
              {shown(flag.replaceAll('_', ' '), 30)}
            </span>
          ))}
        </small>
      </td>
      <td>
        {a.host === undefined ? (
          <small>no host</small>
        ) : (
          <>
            <a href={pivotPath('host', a.host.id)}>
              <Text v={a.host.name ?? a.host.id} max={32} />
            </a>
            {a.host.name === undefined ? null : (
              <small class="mono">
                <Text v={a.host.id} max={32} />
              </small>
            )}
          </>
        )}
      </td>
      <td>
        <Time us={a.last} now={now} wrap />
      </td>
      <td class="num">{shortSpan(a.slept)}</td>
      <td>
        {a.state === undefined ? shown(a.status, 16) : <StateMark v={a.state} />}
        {a.status === 'retracted' && a.state !== undefined ? <small>retracted</small> : null}
        {a.revision > 1 ? <small>revision {a.revision}</small> : null}
      </td>
      <td class="num">{a.score}</td>
    </tr>
  );
}

export function AlertTable({ alerts, now }: { alerts: readonly AlertSummary[]; now: number }): VNode {
  return (
    <div class="scroll">
      <table class="alerts">
        <thead>
          <tr>
            <th scope="col">Severity</th>
            <th scope="col">What happened</th>
            <th scope="col">Host</th>
            <th scope="col">Latest step, UTC</th>
            <th scope="col" class="num" title="The longest time between two of its steps">
              Slept
            </th>
            <th scope="col">State</th>
            <th scope="col" class="num" title="How bad if true, and how sure: 0 to 100">
              Score
            </th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((a) => (
            <Row key={a.id} a={a} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
