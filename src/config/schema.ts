// What may stand in the configuration, what it means, and what holds when it says nothing. appliance/config/ has it as
// JSON Schema for editors and as a file with every default.
import { z } from 'zod';
import { MODES } from '../schema/redact.ts';
import { LOCAL_NETWORKS, parseNetwork } from './networks.ts';

/** As it stands in certificates, references and folders. */
export const SENSOR_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const INTERFACE = /^[^\s/]{1,15}$/;
const LISTEN = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/;
/** 127.0.0.0/8, ::1 and the name that both have. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}$/;
const TERABYTE_MB = 1 << 20;

export const MEMORY_MB_MIN = 1;
/** Of one process. */
export const MEMORY_MB_MAX = 1 << 20;
const LIST_MAX = 4096;
/** What a policy from elsewhere may be about, at most: never where packets come from, events go, or what is kept. */
export const POLICY_GROUPS = ['networks', 'memory', 'signals'] as const;

const filePath = z.string().min(1).max(4096);
const mode = z.enum(MODES);
const network = z
  .string()
  .refine((text) => parseNetwork(text) !== undefined, 'is no network: write 10.0.0.0/8, 2001:db8::/32 or an address');

/** Of the configuration; src/config/migrate.ts has what changed from one to the next. */
export const FORMAT = 1;

export const configSchema = z
  .strictObject({
    format: z
      .int()
      .min(1)
      .max(FORMAT)
      .default(FORMAT)
      .describe('Which form of the configuration this is; `catenary config migrate` brings an earlier one to it.'),
    networks: z
      .strictObject({
        local: z
          .array(network)
          .max(LIST_MAX)
          .default([...LOCAL_NETWORKS])
          .describe(
            'Networks whose hosts are watched over. Only their addresses are tied to hosts by DHCP, ARP and ND.',
          ),
      })
      .prefault({})
      .describe('Which addresses are yours.'),
    sensor: z
      .strictObject({
        name: z
          .string()
          .regex(SENSOR_NAME, 'is no name of a sensor: lower-case letters, digits and -, 32 at most')
          .nullable()
          .default(null)
          .describe("What this sensor is called everywhere. null: the machine's name."),
        interfaces: z
          .array(z.string().regex(INTERFACE, 'is no name of an interface'))
          .max(64)
          .default([])
          .describe('Interfaces to capture from: those that a span port or a tap feeds.'),
        filter: z
          .string()
          .max(4096)
          .default('')
          .describe('Only packets that match, in the language of pcap-filter(7). Empty: all.'),
        snaplen: z.int().min(64).max(262144).default(262144).describe('Bytes kept of a packet.'),
        capture: z
          .enum(['process', 'inline'])
          .default('process')
          .describe(
            'Who listens and decodes. process: one for each worker, without rights, network or files of others, started again when it dies. inline: the sensor itself.',
          ),
        workers: z
          .int()
          .min(1)
          .max(64)
          .default(1)
          .describe('Processes that share an interface; all packets of a pair of hosts go to one of them.'),
        cpus: z
          .array(z.int().min(0).max(1023))
          .max(64)
          .default([])
          .describe('CPUs that workers are pinned to, in turn. Empty: where the kernel puts them.'),
        buffer_mb: z
          .int()
          .min(1)
          .max(2047)
          .default(64)
          .describe('MiB of the ring that the kernel fills; the longer a worker may be late before packets are lost.'),
        promiscuous: z.boolean().default(true).describe('Also packets that are addressed to nobody here.'),
        clock: z
          .enum(['host', 'adapter'])
          .default('host')
          .describe(
            'Who gives packets their time. adapter: the network card, where its driver can; something must keep its clock.',
          ),
      })
      .prefault({})
      .describe('Where packets come from.'),
    state: z
      .strictObject({
        dir: filePath
          .nullable()
          .default(null)
          .describe(
            'Folder for what must survive a restart: long memory, half-finished chains, and on a sensor the spool, packets, files and keys. null: nothing survives, and a sensor does not start.',
          ),
      })
      .prefault({})
      .describe('What survives.'),
    memory: z
      .strictObject({
        budget_mb: z
          .int()
          .min(MEMORY_MB_MIN)
          .max(MEMORY_MB_MAX)
          .default(256)
          .describe('MiB for what was seen when and by whom. When it is full the oldest is forgotten, and counted.'),
      })
      .prefault({})
      .describe('Long memory: first and last seen, days, prevalence, up to 400 days.'),
    spool: z
      .strictObject({
        budget_mb: z
          .int()
          .min(16)
          .max(TERABYTE_MB)
          .default(4096)
          .describe(
            'MiB for events that no collector has acknowledged. When full, flow records go first, and counted.',
          ),
      })
      .prefault({})
      .describe('Events on their way.'),
    evidence: z
      .strictObject({
        packets_mb: z
          .int()
          .min(0)
          .max(16 * TERABYTE_MB)
          .default(10_240)
          .describe('MiB for packets. 0: none are kept.'),
        segment_mb: z.int().min(1).max(256).default(256).describe('MiB after which a segment of packets is closed.'),
        segment_s: z.int().min(1).max(3600).default(60).describe('Seconds after which a segment of packets is closed.'),
        cutoff_kb: z
          .int()
          .min(0)
          .max(TERABYTE_MB)
          .default(0)
          .describe('KiB kept of each flow; what is cut off is counted. 0: all. Never for a flow that a chain holds.'),
        files_mb: z
          .int()
          .min(0)
          .max(16 * TERABYTE_MB)
          .default(2048)
          .describe('MiB for files. 0: none are kept.'),
        file_max_mb: z.int().min(1).max(4096).default(64).describe('MiB of one file; a longer one is not kept.'),
        leases_mb: z
          .int()
          .min(1)
          .max(16 * TERABYTE_MB)
          .default(4096)
          .describe('MiB for what chains hold beyond that, for as long as they may still finish.'),
        timestamp_url: z
          .string()
          .regex(/^https?:\/\/\S+$/, 'is no address of an authority: write http://tsa.example/')
          .nullable()
          .default(null)
          .describe(
            'A time-stamping authority (RFC 3161): it is sent the hash of the newest seal, hourly. null: none is asked.',
          ),
      })
      .prefault({})
      .describe('Packets and files that prove an alert.'),
    redact: z
      .strictObject({
        secret: mode.default('drop').describe('Passwords and community strings.'),
        content: mode.default('keep').describe('URLs, subjects, names of files: what people read and write.'),
        person: mode.default('keep').describe('Names of users and of machines.'),
        address: mode
          .default('keep')
          .describe('IP and MAC addresses. Only the console hides them: detection cannot work without.'),
      })
      .prefault({})
      .describe(
        'What of people is kept, by the classes of the schema. keep; hash: by a key, the same for the same value; drop. A sensor hides it before anything is written, so detection does not have it either; a console in what it shows.',
      ),
    ship: z
      .strictObject({
        url: z
          .string()
          .regex(/^wss:\/\/[^\s/]+(?:\/\S*)?$/, 'is no address of a collector: write wss://collector.example:8443')
          .nullable()
          .default(null)
          .describe('The collector. null: events stay here. `catenary enroll` makes the certificate it takes.'),
        pull: z
          .boolean()
          .default(true)
          .describe(
            'People at the collector may fetch packets that are kept here; each time is in the custody log of both.',
          ),
        pull_mb: z.int().min(1).max(4096).default(256).describe('MiB of packets at once.'),
        pull_hour_mb: z.int().min(1).max(TERABYTE_MB).default(2048).describe('MiB of packets an hour.'),
      })
      .prefault({})
      .describe('Where events go.'),
    collector: z
      .strictObject({
        dir: filePath
          .nullable()
          .default(null)
          .describe('Folder of a collector: its log, store, keys. null: none runs here.'),
        listen: z
          .string()
          .regex(LISTEN, 'is no place to listen: write 0.0.0.0:8443')
          .default('127.0.0.1:8443')
          .describe('Where sensors connect, by TLS with a certificate of this collector.'),
        console: z
          .string()
          .regex(LISTEN, 'is no place to listen: write 127.0.0.1:8470')
          .default('127.0.0.1:8470')
          .describe('Where people look, by HTTP on loopback: through an SSH tunnel from elsewhere.'),
        store_url: z
          .string()
          .regex(/^https?:\/\/\S+$/, 'is no address of a ClickHouse server: write http://host:8123')
          .nullable()
          .default(null)
          .describe('A ClickHouse server. null: one of our own is started, on loopback.'),
        keep_days: z.int().min(1).max(3650).default(90).describe('Days that events are kept; alerts stay.'),
      })
      .prefault({})
      .describe('A collector on this machine.'),
    status: z
      .strictObject({
        metrics: z
          .string()
          .regex(LOOPBACK, 'is no place on loopback: write 127.0.0.1:9477')
          .nullable()
          .default(null)
          .describe('Where Prometheus asks for /metrics, by HTTP on loopback. null: nowhere.'),
      })
      .prefault({})
      .describe('How the sensor is, for those who watch over it.'),
    chains: z
      .strictObject({
        shipped: z.boolean().default(true).describe('Run the chains that come with Catenary.'),
        dirs: z.array(filePath).max(LIST_MAX).default([]).describe('Folders with chains of your own.'),
      })
      .prefault({})
      .describe('Which chains run.'),
    declared_signals: z
      .strictObject({
        shipped: z.boolean().default(true).describe('Run the signals in YAML that come with Catenary.'),
        dirs: z.array(filePath).max(LIST_MAX).default([]).describe('Folders with signals in YAML of your own.'),
      })
      .prefault({})
      .describe('Signals that are written in YAML (appliance/signals/README.md).'),
    intel: z
      .strictObject({
        files: z
          .array(filePath)
          .max(LIST_MAX)
          .default([])
          .describe('Lists of indicators: addresses, networks, domains, URLs, SHA-256 and JA4 hashes.'),
      })
      .prefault({})
      .describe('Threat intelligence.'),
    content: z
      .strictObject({
        keys: z
          .array(filePath)
          .max(64)
          .default([])
          .describe('Public keys (PEM) of those who may sign content packs. None: no pack is taken.'),
        threshold: z.int().min(1).max(64).default(1).describe('So many of them have to have signed a pack.'),
        from_collector: z.boolean().default(true).describe('Packs that the collector offers are fetched.'),
        trial_min: z
          .int()
          .min(1)
          .max(7 * 24 * 60)
          .default(60)
          .describe('Minutes for which a new pack is watched; when the sensor does badly, the one before comes back.'),
        trial_alerts: z.int().min(1).max(100_000).default(20).describe('More alerts than that meanwhile are badly.'),
        policy: z
          .array(z.enum(POLICY_GROUPS))
          .max(POLICY_GROUPS.length)
          .default([])
          .describe('Groups of settings that a pack may set where this configuration says nothing. None: no pack may.'),
      })
      .prefault({})
      .describe('Chains, indicators and policies that come as signed packs.'),
    signals: z
      .record(
        z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'is no name of a signal'),
        z.record(z.string(), z.union([z.boolean(), z.number(), z.array(z.string().max(4096)).max(LIST_MAX)])),
      )
      .default({})
      .describe('Settings of a signal by its name; each README lists its own. `enabled: false` turns one off.'),
  })
  .prefault({});

export type ConfigValues = z.output<typeof configSchema>;

/** As it is published: what a person may write, defaults left out. */
export function configSchemaJson(): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  return { $schema, title: 'Catenary configuration', ...schema };
}
