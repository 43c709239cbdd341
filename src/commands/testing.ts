// For tests: one command line in this process, with its outputs as texts.
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

export async function runMain(...args: string[]): Promise<{ code: ExitCode; stdout: string; stderr: string }> {
  const stdout = new Text();
  const stderr = new Text();
  const world: Surroundings = {
    ...{ stdout: new StreamOutput(stdout, 'out'), stdoutIsTerminal: false, stderr, stdinIsTerminal: false },
    ...{ clock: systemClock, peakMemoryBytes: () => 0 },
    onInterrupt: () => () => undefined,
    onHangup: () => () => undefined,
  };
  const code = await main(args, world);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
