// For tests: commands in this process, with their outputs as texts.
import { Writable } from 'node:stream';
import { systemClock } from '../lib/clock.ts';
import type { ExitCode } from '../lib/fault.ts';
import { StreamOutput } from '../lib/output.ts';
import { main } from './program.ts';
import type { Surroundings } from './surroundings.ts';

class Text extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
  }
}

/** A process that nobody interrupts, without a terminal, but for what a test wants otherwise. */
export function worldFor(more: Partial<Surroundings> = {}): { world: Surroundings; stdout: Text; stderr: Text } {
  const stdout = new Text();
  const stderr = new Text();
  const world: Surroundings = {
    ...{ stdout: new StreamOutput(stdout, 'out'), stdoutIsTerminal: false, stderr, stdinIsTerminal: false },
    ...{ clock: systemClock, peakMemoryBytes: () => 0, ask: async () => '', systemJournal: () => undefined },
    onInterrupt: () => () => undefined,
    onHangup: () => () => undefined,
    ...more,
  };
  return { world, stdout, stderr };
}

/** One command line. */
export async function runIn(
  more: Partial<Surroundings>,
  ...args: string[]
): Promise<{ code: ExitCode; stdout: string; stderr: string }> {
  const { world, stdout, stderr } = worldFor(more);
  const code = await main(args, world);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

export const runMain = (...args: string[]): ReturnType<typeof runIn> => runIn({}, ...args);
