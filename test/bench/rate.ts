// How fast can it listen? On a pair of interfaces of its own: the highest rate at which nothing is lost, of our
// decoder, of a reader that only counts what is on the ring, and of `tcpdump -w /dev/null`, all in one run; then SYNs
// from random sources over 200 connections that have to be decoded whole, at that rate and above it.
//
//   make rate        node --import tsx test/bench/rate.ts [--seconds 3] [--marked 200] [--buffer 64] [--floor 300000]
//
// Sender and listener share the machine, and the sender does the kernel's part of receiving: what is printed is what
// both together can do. Exit 1 when a count does not add up or a marked connection that was delivered is not whole;
// and when the flood without loss is slower than --floor.
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { pause, systemClock } from '../../src/lib/clock.ts';
import { ended, NATIVE, Output, Veth, whyNot } from '../capture/veth.ts';

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    marked: { type: 'string', default: '200' },
    buffer: { type: 'string', default: '64' },
    floor: { type: 'string', default: '300000' },
  },
});
const MARKED = Number(args.marked);
/** What may be added to flows and ring: code, batches, the pool's first slabs. */
const REST_KB = 96 * 1024;
/** Trials of a search, each halving the span. */
const STEPS = 6;

interface Trial {
  readonly sent: number;
  readonly rate: number;
  readonly received: number;
  readonly dropped: number;
  readonly told: Record<string, number>;
}
type Listener = 'decode' | 'count' | 'tcpdump';

const why = whyNot();
if (why !== undefined) {
  console.error(`rate: ${why}`);
  process.exit(1);
}
const veth = new Veth(`lyrate${process.pid}`);
let isWrong = false;
const wrong = (what: string): void => {
  console.log(`  WRONG: ${what}`);
  isWrong = true;
};

/** stalls: the listener stands still for a while, and has a small ring: packets are lost for certain. */
async function trial(listener: Listener, rate: number, marked = 0, stalls = false): Promise<Trial> {
  const buffer = stalls ? 1 : Number(args.buffer);
  const [command, rest]: [string, string[]] =
    listener === 'tcpdump'
      ? ['tcpdump', ['-i', veth.b, '-n', '-s', '0', '-B', String(buffer * 1024), '-w', '/dev/null']]
      : [NATIVE, ['listen', veth.b, '--buffer', String(buffer), ...(listener === 'count' ? ['--count'] : [])]];
  const child = veth.start(command, rest);
  const [out, log] = [new Output(child.stdout), new Output(child.stderr)];
  await veth.heard(1);
  await pause(systemClock, 300);
  const sender = veth.start(NATIVE, ['flood', veth.a, String(rate), String(args.seconds), String(marked)]);
  const flood = new Output(sender.stdout);
  if (stalls) {
    await pause(systemClock, Number(args.seconds) * 300);
    child.kill('SIGSTOP');
    await pause(systemClock, Number(args.seconds) * 300);
    child.kill('SIGCONT');
  }
  await ended(sender);
  const { sent, seconds } = JSON.parse(flood.text) as { sent: number; seconds: number };
  await pause(systemClock, 500);
  child.kill(listener === 'tcpdump' ? 'SIGINT' : 'SIGTERM');
  await ended(child);
  if (listener === 'tcpdump') {
    const said = (what: string): number =>
      Number(new RegExp(`(\\d+) packets? ${what}`).exec(log.text)?.[1] ?? Number.NaN);
    return { sent, rate: sent / seconds, received: said('received'), dropped: said('dropped by kernel'), told: {} };
  }
  const told = JSON.parse(out.text) as Record<string, number>;
  return { sent, rate: sent / seconds, received: told.received ?? 0, dropped: told.dropped ?? 0, told };
}

const isWhole = (t: Trial): boolean => t.dropped === 0 && t.received === t.sent;

/** The three identities of a run; above the rate as below. */
function check(t: Trial): void {
  const { received = 0, dropped = 0, taken = 0, decoded = 0, if_received = 0 } = t.told;
  if (if_received !== t.sent) wrong(`sent ${t.sent}, the interface counted ${if_received}`);
  if (received !== t.sent) wrong(`sent ${t.sent}, the socket counted ${received}`);
  if (received !== taken + dropped) wrong(`received ${received} is not taken ${taken} + dropped ${dropped}`);
  if (taken !== decoded) wrong(`taken ${taken}, decoded ${decoded}`);
  if ((t.told.marked_broken ?? 0) > 0) wrong(`${t.told.marked_broken} marked connections came whole and are not`);
}

/** The trial at the highest rate without loss, by halving. The rate is what was sent, which may be less than asked. */
async function search(listener: Listener, marked = 0): Promise<Trial | undefined> {
  const first = await trial(listener, 0, marked);
  if (listener === 'decode') check(first);
  if (isWhole(first)) return first;
  let [low, high, best]: [number, number, Trial | undefined] = [0, first.rate, undefined];
  for (let step = 0; step < STEPS; step++) {
    const t = await trial(listener, (low + high) / 2, marked);
    if (listener === 'decode') check(t);
    if (isWhole(t)) {
      low = Math.max((low + high) / 2, t.rate);
      best = t;
    } else {
      high = (low + high) / 2;
    }
  }
  return best;
}

const pps = (n: number): string => `${Math.round(n).toLocaleString('en')}/s`;
const load = (): string =>
  loadavg()
    .map((n) => n.toFixed(2))
    .join(' ');

try {
  console.log(`${cpus().length} cores, load ${load()}, ${args.seconds} s a trial, ring of ${args.buffer} MiB`);
  console.log('SYNs of 54 bytes from random sources, the highest rate without loss:');
  const listeners: Listener[] = ['count', 'decode'];
  if (spawnSync('tcpdump', ['--version']).error === undefined) listeners.unshift('tcpdump');
  const names = { tcpdump: 'tcpdump -w /dev/null', count: 'a reader that counts', decode: 'catenary, all parsers' };
  for (const listener of listeners) {
    const best = await search(listener);
    const cpu = best?.told.cpu_s === undefined ? '' : `, ${((best.told.cpu_s / best.sent) * 1e9).toFixed(0)} ns/packet`;
    console.log(
      `  ${names[listener].padEnd(24)}${best ? pps(best.rate).padStart(14) + cpu : '  none'}  (load ${load()})`,
    );
  }

  console.log(`the same over ${MARKED} marked connections:`);
  const best = await search('decode', MARKED);
  if (!best) {
    wrong('no rate without loss');
  } else {
    const { marked_whole = 0, peak_memory_kb = 0, flows_most = 0, flow_bytes = 0, evicted = 0 } = best.told;
    const cap = Math.ceil((flows_most * flow_bytes) / 1024) + Number(args.buffer) * 1024 + REST_KB;
    console.log(
      `  ${pps(best.rate)} without loss: ${marked_whole} of ${MARKED} whole, ${evicted} of the flood ended early,`,
    );
    console.log(
      `  at most ${flows_most} flows; peak ${(peak_memory_kb / 1024).toFixed(0)} MiB, bound ${(cap / 1024).toFixed(0)} MiB`,
    );
    if (marked_whole !== MARKED) wrong(`${marked_whole} of ${MARKED} marked connections are whole`);
    if (peak_memory_kb > cap) wrong(`${peak_memory_kb} KiB is above the bound of ${cap}`);
    if (best.rate < Number(args.floor))
      wrong(`${pps(best.rate)} is below ${pps(Number(args.floor))}: is the machine busy?`);
  }
  for (const stalls of [false, true]) {
    const above = await trial('decode', 0, MARKED, stalls);
    check(above);
    const { dropped, told } = above;
    const how = stalls ? 'with a ring of 1 MiB and a listener that stands still' : `above it, ${pps(above.rate)}`;
    console.log(`  ${how}: ${dropped} dropped of ${above.sent}, and ${isWrong ? 'NOT ' : ''}every count adds up;`);
    console.log(
      `  ${told.marked_delivered} marked connections came whole, of these ${told.marked_broken} not decoded whole`,
    );
    if (stalls && dropped === 0) wrong('nothing was lost: the trial says nothing');
  }
} finally {
  veth.remove();
}
process.exitCode = isWrong ? 1 : 0;
