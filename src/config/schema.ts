// What may stand in the configuration, what it means, and what holds when it says nothing. appliance/config/ has it as
// JSON Schema for editors and as a file with every default.
import { z } from 'zod';
import { LOCAL_NETWORKS, parseNetwork } from './networks.ts';

export const MEMORY_MB_MIN = 1;
/** Of one process. */
export const MEMORY_MB_MAX = 1 << 20;
const LIST_MAX = 4096;

const filePath = z.string().min(1).max(4096);
const network = z
  .string()
  .refine((text) => parseNetwork(text) !== undefined, 'is no network: write 10.0.0.0/8, 2001:db8::/32 or an address');

export const configSchema = z
  .strictObject({
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
    state: z
      .strictObject({
        dir: filePath
          .nullable()
          .default(null)
          .describe(
            'Folder for what must survive a restart: long memory and half-finished chains. null: nothing survives.',
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
    chains: z
      .strictObject({
        shipped: z.boolean().default(true).describe('Run the chains that come with Catenary.'),
        dirs: z.array(filePath).max(LIST_MAX).default([]).describe('Folders with chains of your own.'),
      })
      .prefault({})
      .describe('Which chains run.'),
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
