// `catenary sensor`: its options and its manual. What it does is src/sensor.ts.
import type { Command } from 'commander';
import { loadConfig } from '../config/config.ts';
import { success } from '../lib/fault.ts';
import { sensor } from '../sensor.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
WHAT IT DOES
  Listens on the interfaces that the configuration names, and runs until it is told to stop. Packets become
  events; events go into the spool, durable before anything reads them; detection reads the spool, and what it
  concludes goes back into it. Packets and files are kept beside, sealed, within budgets, and held as long as
  a chain needs them. With ship.url everything goes to a collector; without, alerts are here:

  STATE/alerts.ndjson   one line a revision of an alert, the latest last

  STATE is state.dir. 'catenary evidence export ID --dir STATE --alerts STATE/alerts.ndjson' hands out what
  proves an alert.

  With --captures it reads captures as if it had heard them, at the speed of the machine, and ends: a history
  for a new collector, or a rehearsal.

SIGNALS
  SIGHUP    the configuration is read again: networks, memory, chains, intel and signals change at once; a
            fault in it is told, and what was goes on
  SIGTERM   open flows are written, detection catches up, all is committed; the second one ends at once
  SIGKILL   nothing that was in the spool is lost, said twice or forgotten; the time until the next start is
            a gap in the coverage

EXIT CODES
  0    stopped by SIGTERM, or every interface has ended
  1    something it needs could not be opened
  2    wrong usage, or a fault in the configuration
  130  stopped by Ctrl-C

EXAMPLES
  catenary doctor --config /etc/catenary/catenary.yaml
  catenary sensor --config /etc/catenary/catenary.yaml
`;

export function addSensor(program: Command, world: Surroundings, done: Done): void {
  program
    .command('sensor')
    .summary('listen on interfaces and detect, until told to stop')
    .description('Runs a sensor.')
    .requiredOption('--config <file>', 'the configuration')
    .option('--captures <file...>', 'read these instead of interfaces, in packet time, and end')
    .addHelpText('after', MANUAL)
    .action(async (o: { config: string; captures?: string[] }) => {
      const config = loadConfig(o.config);
      done(
        config.ok
          ? success(await sensor({ config: config.value, configFile: o.config, captures: o.captures ?? [] }, world))
          : config,
      );
    });
}
