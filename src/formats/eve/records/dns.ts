// dns, version 2: a line for the question and a line for the answer.
import type { DnsEvent } from '../../../schema/gen/events.gen.ts';
import { defineKind, record, type Section } from '../record.ts';

const VERSION = 2;

const TYPES: ReadonlyMap<number, string> = new Map([
  ...([
    [1, 'A'],
    [2, 'NS'],
    [5, 'CNAME'],
    [6, 'SOA'],
    [10, 'NULL'],
    [12, 'PTR'],
    [13, 'HINFO'],
    [15, 'MX'],
  ] as const),
  ...([
    [16, 'TXT'],
    [28, 'AAAA'],
    [29, 'LOC'],
    [33, 'SRV'],
    [35, 'NAPTR'],
    [39, 'DNAME'],
    [43, 'DS'],
  ] as const),
  ...([
    [44, 'SSHFP'],
    [46, 'RRSIG'],
    [47, 'NSEC'],
    [48, 'DNSKEY'],
    [50, 'NSEC3'],
    [99, 'SPF'],
  ] as const),
]);

const typeName = (type: number | undefined): string | null =>
  type === undefined ? null : (TYPES.get(type) ?? `TYPE${type}`);

/** Types whose data Suricata writes as an object: of these our text is one member. */
const OBJECTS: ReadonlyMap<string, readonly [name: string, member: string]> = new Map([
  ['SOA', ['soa', 'mname']],
  ['SRV', ['srv', 'name']],
]);

/** Types that Suricata groups. */
const GROUPED: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'NULL', 'PTR', 'SOA', 'SRV', 'TXT']);

const ofType = (rrtype: string | null, data: string): Section => {
  const object = rrtype === null ? undefined : OBJECTS.get(rrtype);
  return object === undefined ? { rdata: data } : { [object[0]]: { [object[1]]: data } };
};

/** What Zeek's list leaves out comes with the type before it. */
function other(text: string): Section {
  const space = text.indexOf(' ');
  return space < 0 ? { rrtype: text } : { rrtype: text.slice(0, space), rdata: text.slice(space + 1) };
}

function answers(e: DnsEvent): Section {
  // A list that was cut short has no types that can be trusted to be its own.
  const isTyped = e.answer_types.length === e.answers.length;
  const grouped = new Map<string, unknown[]>();
  const list = e.answers.map((data, i) => {
    const rrtype = isTyped ? typeName(e.answer_types[i]) : null;
    const rdata = ofType(rrtype, data);
    if (rrtype !== null && GROUPED.has(rrtype)) {
      const group = grouped.get(rrtype) ?? [];
      group.push(Object.values(rdata)[0]);
      grouped.set(rrtype, group);
    }
    return { rrtype, ttl: e.TTLs[i], ...rdata };
  });
  return { answers: [...list, ...e.more_answers.map(other)], grouped: Object.fromEntries(grouped) };
}

const yes = (is: boolean): true | null => (is ? true : null);

export const DNS = defineKind('dns', (e) => {
  const asked = { id: e.trans_id, rrname: e.original_query ?? e.query, rrtype: e.qtype_name };
  const lines = [];
  if (e.request_bytes !== null)
    lines.push(record('dns', e, { dns: { version: VERSION, type: 'query', ...asked, opcode: e.opcode } }));
  if (e.response_bytes !== null) {
    const flags = e.response_flags ?? 0;
    const answer = {
      ...{ version: VERSION, type: 'answer', ...asked, opcode: e.opcode, qr: true },
      flags: e.response_flags?.toString(16),
      ...{ aa: yes((flags & 0x400) !== 0), tc: yes((flags & 0x200) !== 0), rd: yes((flags & 0x100) !== 0) },
      ra: yes((flags & 0x80) !== 0),
      rcode: e.rcode_name,
      ...answers(e),
    };
    const time = e.rtt !== null ? e.ts + Math.round(e.rtt * 1_000_000) : e.request_bytes === null ? e.ts : e.seen;
    lines.push(record('dns', e, { dns: answer }, { time }));
  }
  return lines;
});
