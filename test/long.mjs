// A slice of long testing by seeds: runs a mocha suite again and again with the next seed until the time is over, and
// adds what it did to the ledger.
//
//   node test/long.mjs --target kill --time 600 --ledger test/long.tsv
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { addToLedger, printLedger, readLedger } from './ledger.mjs';

const { values: args } = parseArgs({
  options: {
    target: { type: 'string' },
    time: { type: 'string', default: '600' },
    ledger: { type: 'string' },
  },
});

/** The suite that knows SEED, what one run of it counts for, and what it is told besides. */
const TARGETS = {
  kill: { suite: 'a run that is killed', executions: 20, env: { KILLS: '20' } },
  system: { suite: 'the whole system, killed', executions: 10, env: { KILLS: '10' } },
  founding: { suite: 'the founding case, whole', executions: 200, env: { KILLS: '200' } },
  sim: { suite: 'a simulated world', executions: 1000, env: { SEEDS: '1000' } },
  crash: { suite: 'evidence: crash images', executions: 2000, env: { IMAGES: '2000' } },
  faults: { suite: 'evidence: a disk that refuses', executions: 300, env: { CALLS: '100' } },
  chains: { suite: 'an oracle that walks each start', executions: 20000, env: { RUNS: '20000' } },
};

const target = TARGETS[args.target];
if (target === undefined) {
  console.error(`long: no target ${args.target}: one of ${Object.keys(TARGETS).join(', ')}`);
  process.exit(2);
}
const row = `${args.target}/seeds`;
const end = Date.now() + Number(args.time) * 1000;
do {
  const before = readLedger(args.ledger).get(row)?.executions ?? 0;
  const seed = before / target.executions + 1;
  const started = Date.now();
  const { status, stdout } = spawnSync('npx', ['mocha', '--timeout', '0', '-g', target.suite], {
    env: { ...process.env, ...target.env, SEED: String(seed) },
    encoding: 'utf8',
  });
  const seconds = Math.round((Date.now() - started) / 1000);
  const ok = status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${args.target} seed ${seed}, ${target.executions} executions, ${seconds} s`);
  addToLedger(args.ledger, row, { seconds, executions: target.executions, edges: 0, ok });
  if (!ok) {
    console.log(stdout);
    process.exitCode = 1;
  }
} while (Date.now() < end && process.exitCode !== 1);
printLedger(args.ledger);
