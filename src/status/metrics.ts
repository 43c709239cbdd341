// A sensor's status for Prometheus, in its text format 0.0.4: the same numbers as /status, under names that stay.
import { createServer, type Server } from 'node:http';
import { failure, type Result, success } from '../lib/fault.ts';
import type { InterfaceStatus, Status } from './status.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const ASKERS_MAX = 4;
const SECOND = 1e6;

type Value = number | null;
interface Metric<T> {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  of(status: T): Value;
}

const counter = <T>(name: string, help: string, of: (s: T) => Value): Metric<T> => ({
  name,
  type: 'counter',
  help,
  of,
});
const gauge = <T>(name: string, help: string, of: (s: T) => Value): Metric<T> => ({ name, type: 'gauge', help, of });
const inSeconds = (us: Value): Value => (us === null ? null : us / SECOND);

const EACH: readonly Metric<InterfaceStatus>[] = [
  counter('packets_total', 'Packets taken', (i) => i.packets),
  counter('bytes_total', 'Bytes of those on the wire', (i) => i.bytes),
  counter('flows_total', 'Flows begun', (i) => i.flows),
  counter('flows_evicted_total', 'Flows ended early to make room', (i) => i.flows_evicted),
  counter('weirds_total', 'Oddities of the traffic', (i) => i.weirds),
  counter('kernel_dropped_total', 'Packets that the ring had no room for', (i) => i.kernel_dropped),
  counter('interface_dropped_total', 'Packets that the interface had no room for', (i) => i.interface_dropped),
  gauge('coverage_ratio', 'Share of the last hour that was seen', (i) => i.coverage),
  gauge('newest_packet_seconds', 'Time of the newest packet', (i) => inSeconds(i.newest)),
  gauge('listening', 'Whether the interface is heard', (i) => (i.ended ? 0 : 1)),
];

const ALL: readonly Metric<Status>[] = [
  gauge('start_time_seconds', 'When the sensor started', (s) => inSeconds(s.started)),
  counter('events_total', 'Events that detection has seen', (s) => s.detection.events),
  counter('alerts_total', 'Alerts, revisions included', (s) => s.detection.alerts),
  gauge('chains', 'Chains that run', (s) => s.detection.chains),
  gauge('partials', 'Chains begun and not finished', (s) => s.detection.partials),
  gauge('detection_waiting_batches', 'Batches that detection has not taken', (s) => s.detection.waiting),
  gauge('packets_kept_bytes', 'Packets on disk', (s) => s.packets.bytes),
  gauge('packets_budget_bytes', 'Room for packets', (s) => s.packets.budget_bytes),
  gauge('packets_oldest_seconds', 'Time of the oldest packet kept', (s) => inSeconds(s.packets.oldest)),
  gauge('files_kept_bytes', 'Files on disk', (s) => s.files.bytes),
  gauge('leases', 'Flows and files that chains hold', (s) => s.leases.count),
  gauge('leases_bytes', 'Copies of what chains hold', (s) => s.leases.bytes),
  gauge('spool_bytes', 'Spool on disk', (s) => s.spool.bytes),
  gauge('spool_budget_bytes', 'Room for the spool', (s) => s.spool.budget_bytes),
  gauge('spool_waiting_batches', 'Batches that the collector has not acknowledged', (s) => s.spool.waiting),
  counter('spool_shed_events_total', 'Events given up to make room', (s) => s.spool.shed_events),
  gauge('collector_connected', 'Whether the collector is connected', (s) =>
    s.collector.state === 'connected' ? 1 : 0,
  ),
  gauge('disk_free_bytes', 'Room on the disk of state.dir', (s) => s.disk?.free_bytes ?? null),
  gauge('memory_bytes', 'Resident memory of the process', (s) => s.memory_bytes),
];

/** In a label: the exposition format's three escapes. */
const label = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** What is not known is left out. */
export function metricsText(status: Status): string {
  const lines: string[] = [];
  const add = (
    { name, type, help }: Metric<never>,
    rows: readonly (readonly [labels: string, value: Value])[],
  ): void => {
    const known = rows.filter(([, value]) => value !== null);
    if (known.length === 0) return;
    lines.push(`# HELP catenary_${name} ${help}`, `# TYPE catenary_${name} ${type}`);
    for (const [labels, value] of known) lines.push(`catenary_${name}${labels} ${value}`);
  };
  for (const metric of EACH)
    add(
      metric,
      status.interfaces.map((i) => [`{interface="${label(i.name)}"}`, metric.of(i)] as const),
    );
  for (const metric of ALL) add(metric, [['', metric.of(status)]]);
  return `${lines.join('\n')}\n`;
}

/** GET /metrics and nothing else. @param place  host:port of loopback */
export function serveMetrics(place: string, status: () => Status): Promise<Result<Server>> {
  const server = createServer((asked, answer) => {
    if (asked.method === 'GET' && asked.url === '/metrics')
      answer.writeHead(200, { 'content-type': METRICS_TYPE }).end(metricsText(status()));
    else answer.writeHead(404).end('there is /metrics\n');
  });
  server.maxConnections = ASKERS_MAX;
  const at = place.lastIndexOf(':');
  return new Promise((done) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      done(
        failure('state_unusable', `status.metrics: ${place}: ${error.code ?? error.message}`, 'choose another port'),
      ),
    );
    server.listen(Number(place.slice(at + 1)), place.slice(0, at).replace(/^\[|\]$/g, ''), () => done(success(server)));
  });
}
