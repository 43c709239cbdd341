// One event: its line, and on demand every field with what it leads to.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { EventView, FieldView } from '../shape.ts';
import { bytesText, countText, exactTime, spanText } from './format.ts';
import { useAsk } from './http.ts';
import { Packets } from './packets.tsx';
import { Fault, Pivoted, Text, Time } from './text.tsx';

/** Characters of a value in the list of fields. */
const VALUE_SHOWN = 400;

function Value({ field, value }: { field: FieldView; value: string | number | boolean }): VNode {
  if (typeof value === 'string')
    return field.pivot === undefined || value === '' ? (
      <Text v={value} max={VALUE_SHOWN} mono />
    ) : (
      <Pivoted pivot={field.pivot} v={value} max={VALUE_SHOWN} />
    );
  if (typeof value === 'boolean') return <span>{value ? 'yes' : 'no'}</span>;
  if (field.form === 'time') return <span class="mono">{exactTime(value)}</span>;
  if (field.form === 'bytes') return <span title={`${countText(value)} bytes`}>{bytesText(value)}</span>;
  if (field.form === 'duration') return <span title={`${value} s`}>{spanText(value * 1e6)}</span>;
  // Ports and numbers of protocols are no amounts: digits alone.
  return <span>{value}</span>;
}

export function Fields({ event }: { event: EventView }): VNode {
  return (
    <dl class="fields">
      <dt>reference</dt>
      <dd class="mono">
        <Text v={event.ref} max={120} />
      </dd>
      <dt>began</dt>
      <dd class="mono">{exactTime(event.ts)}</dd>
      {event.seen === event.ts ? null : (
        <>
          <dt>complete</dt>
          <dd class="mono">{exactTime(event.seen)}</dd>
        </>
      )}
      {event.fields.map((field) => (
        <>
          <dt key={`t ${field.name}`}>{field.name}</dt>
          <dd key={`d ${field.name}`}>
            {field.values.map((value, i) => (
              <span class="value" key={i}>
                <Value field={field} value={value} />
              </span>
            ))}
            {field.cut > 0 ? <small> and {countText(field.cut)} more</small> : null}
          </dd>
        </>
      ))}
    </dl>
  );
}

const uidOf = (event: EventView): string => String(event.fields.find((f) => f.name === 'uid')?.values[0] ?? '');

/** All of it, asked for when the list's own copy is not all. */
function Whole({ event }: { event: EventView }): VNode {
  const isCut = event.fields.some((f) => f.cut > 0);
  const { value, fault } = useAsk<EventView>(isCut ? `/api/event?ref=${encodeURIComponent(event.ref)}` : undefined);
  return (
    <>
      {fault === undefined ? null : <Fault fault={fault} />}
      <Fields event={value ?? event} />
      <Packets reference={event.ref} uid={uidOf(event)} at={event.ts} reason={`event ${event.ref}`} />
    </>
  );
}

export function EventRow({ event, now, hasTime = true }: { event: EventView; now: number; hasTime?: boolean }): VNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="event" onToggle={(e) => setOpen((e.currentTarget as HTMLDetailsElement).open)}>
      <summary data-row>
        {hasTime ? <Time us={event.seen} now={now} /> : null}
        <span class="kind">{event.kind}</span>
        <span class="line mono">
          {event.line.map((p) => (
            <>
              <Text v={p} max={120} />{' '}
            </>
          ))}
        </span>
      </summary>
      {isOpen ? <Whole event={event} /> : null}
    </details>
  );
}
