// What a command needs of the process it runs in, so that a test can be the process.
import { createInterface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { loadAddon } from '../capture/addon.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { EXIT, type ExitCode, type Result } from '../lib/fault.ts';
import { isJournal, type SystemJournal } from '../lib/journal.ts';
import { StreamOutput, type TextOutput } from '../lib/output.ts';

export type TerminalStream = Writable & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined };

export interface Surroundings {
  /** Everything a command prints goes through here; when it cannot be written, the program says so. */
  readonly stdout: TextOutput;
  readonly stdoutIsTerminal: boolean;
  readonly stderr: TerminalStream;
  readonly stdinIsTerminal: boolean;
  readonly clock: Clock;
  /** The system's journal, under this name, where standard error goes to it. */
  systemJournal(name: string): SystemJournal | undefined;
  /** One line of a person at the terminal. */
  ask(question: string): Promise<string>;
  peakMemoryBytes(): number;
  /**
   * The first Ctrl-C or SIGTERM asks to end in order and says what to exit with; the second ends at once, by the
   * signal, even where a read hangs.
   * @returns  what takes the handler away again
   */
  onInterrupt(handler: (code: ExitCode) => void): () => void;
  /** SIGHUP: read the configuration again. @returns  what takes the handler away again */
  onHangup(handler: () => void): () => void;
}

const SIGNALS = [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
] as const;

export const processSurroundings: Surroundings = {
  stdout: new StreamOutput(process.stdout, 'standard output'),
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderr: process.stderr,
  // Not process.stdin: making that stream can leave a pipe in non-blocking mode, and the decoder reads it itself.
  stdinIsTerminal: isatty(0),
  clock: systemClock,
  async ask(question) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    // Taken by the terminal while it asks: handed on, so that Ctrl-C ends what it always does.
    terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    // The end of the input is no answer, and never will be.
    const ended = new Promise<string>((done) => terminal.once('close', () => done('')));
    try {
      return await Promise.race([terminal.question(question), ended]);
    } finally {
      terminal.close();
    }
  },
  systemJournal(name) {
    const addon = isJournal(process.env) ? loadAddon() : undefined;
    return addon?.ok === true ? { name, send: addon.value.notify } : undefined;
  },
  peakMemoryBytes: () => process.resourceUsage().maxRSS * 1024,
  onInterrupt(handler) {
    const listeners = SIGNALS.map(([signal, code]) => {
      const listener = (): void => {
        release();
        handler(code);
      };
      return [signal, listener] as const;
    });
    const release = (): void => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return release;
  },
  onHangup(handler) {
    process.on('SIGHUP', handler);
    return () => process.off('SIGHUP', handler);
  },
};

/** How a command's action hands back its exit code, or what was wrong with its options. */
export type Done = (outcome: Result<ExitCode>) => void;
