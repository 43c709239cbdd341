// Who is listening, and what they did not hear: an alarm that did not ring means nothing where nobody was.
import type { VNode } from 'preact';
import type { SensorsAnswer, SensorView } from '../shape.ts';
import { agoText, bytesText, countText, exactTime, shareText } from './format.ts';
import { useAsk } from './http.ts';
import { Fault, Text, Time } from './text.tsx';

const EVERY_MS = 30_000;
const STATES: Readonly<Record<SensorView['state'], readonly [word: string, meaning: string]>> = {
  ok: ['listening', 'Everything that reached it was decoded and stored.'],
  losing: ['losing', 'Something that reached it is not in the store.'],
  silent: ['silent', 'Nothing has come from it for more than ten minutes.'],
  unknown: ['no statistics', 'It has sent events, and never how many packets it saw.'],
};
const RANGES: readonly (readonly [days: string, words: string])[] = [
  ['1', '24 hours'],
  ['7', '7 days'],
  ['30', '30 days'],
  ['', 'all of time'],
];

const Count = ({ n }: { n: number }): VNode => <td class={n > 0 ? 'num bad' : 'num'}>{countText(n)}</td>;

function Row({ s, now }: { s: SensorView; now: number }): VNode {
  const [word, meaning] = STATES[s.state];
  return (
    <tr>
      <td>
        <span class={`state state-${s.state}`} title={meaning}>
          {word}
        </span>
      </td>
      <th scope="row">
        <Text v={s.sensor} max={40} mono />
      </th>
      <td>{s.lastSeen === undefined ? <small>never</small> : <Time us={s.lastSeen} now={now} wrap />}</td>
      <td title={s.lastStored === undefined ? undefined : exactTime(s.lastStored * 1e6)}>
        {s.lastStored === undefined ? 'never' : agoText(s.lastStored * 1e6, now)}
      </td>
      <td class="num">{countText(s.packets)}</td>
      <td class={s.captured !== undefined && s.captured < 1 ? 'num bad' : 'num'}>
        {s.captured === undefined ? '' : shareText(s.captured)}
      </td>
      <Count n={s.dropped.kernel} />
      <Count n={s.dropped.interface} />
      <Count n={s.dropped.decoder} />
      <td class={s.gapBytes > 0 ? 'num bad' : 'num'}>{bytesText(s.gapBytes)}</td>
      <Count n={s.eventsDropped} />
      <td class="num">{countText(s.frames)}</td>
      <Count n={s.missingFrames} />
      <Count n={s.refusedFrames} />
    </tr>
  );
}

export function SensorsPage({ query }: { query: string }): VNode | null {
  const days = new URLSearchParams(query).get('days') ?? '';
  const { value: v, fault } = useAsk<SensorsAnswer>(`/api/sensors${days === '' ? '' : `?days=${days}`}`, EVERY_MS);
  return (
    <>
      <div class="head">
        <h1>Sensors</h1>
        <nav class="chips" aria-label="Losses of the last">
          {RANGES.map(([d, words]) => (
            <a key={d} href={d === '' ? '/sensors' : `/sensors?days=${d}`} class={d === days ? 'chip on' : 'chip'}>
              {words}
            </a>
          ))}
        </nav>
      </div>
      {fault === undefined ? null : <Fault fault={fault} />}
      {v === undefined ? null : v.sensors.length === 0 ? (
        <div class="note">
          <strong>No sensor has sent anything.</strong> On a sensor, <code>catenary doctor</code> says what is missing.
        </div>
      ) : (
        <div class="scroll">
          <table class="sensors">
            <thead>
              <tr>
                <th scope="col" rowSpan={2}>
                  State
                </th>
                <th scope="col" rowSpan={2}>
                  Sensor
                </th>
                <th scope="col" rowSpan={2}>
                  Last packet time, UTC
                </th>
                <th scope="col" rowSpan={2}>
                  Last arrival
                </th>
                <th scope="col" rowSpan={2} class="num">
                  Packets
                </th>
                <th scope="col" rowSpan={2} class="num">
                  Decoded
                </th>
                <th scope="colgroup" colSpan={3} class="group">
                  Packets dropped by
                </th>
                <th scope="col" rowSpan={2} class="num">
                  Gaps
                </th>
                <th scope="col" rowSpan={2} class="num">
                  Events lost
                </th>
                <th scope="colgroup" colSpan={3} class="group">
                  Frames
                </th>
              </tr>
              <tr>
                <th scope="col" class="num">
                  kernel
                </th>
                <th scope="col" class="num">
                  interface
                </th>
                <th scope="col" class="num">
                  decoder
                </th>
                <th scope="col" class="num">
                  stored
                </th>
                <th scope="col" class="num">
                  missing
                </th>
                <th scope="col" class="num">
                  refused
                </th>
              </tr>
            </thead>
            <tbody>
              {v.sensors.map((s) => (
                <Row key={s.sensor} s={s} now={v.now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
