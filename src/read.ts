// The spine of `catenary read`: packets from files or an interface, through the native decoder, out in one of the
// formats. It reads top to bottom as the run itself.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventSource, forEachInOrder, openReader, type Summary } from './capture/index.ts';
import { inspectInputs, resultFaults, STDIN } from './commands/input_faults.ts';
import { NOTHING_READ, rowsText, summaryText } from './commands/summary.ts';
import type { Surroundings } from './commands/surroundings.ts';
import { JsonWriter } from './formats/json/json.ts';
import { EXIT, type ExitCode, FAULTS, type Fault, faultLine, systemFault, worse } from './lib/fault.ts';
import { FileOutput, type TextOutput } from './lib/output.ts';
import { Progress } from './lib/progress.ts';
import type { CatenaryEvent, KindName } from './schema/gen/events.gen.ts';

export const FORMATS = ['json', 'zeek', 'eve', 'none'] as const;
export type Format = (typeof FORMATS)[number];

export interface ReadRequest {
  /** Captures, "-" for standard input; empty when an interface is named. */
  readonly files: readonly string[];
  /** The files are folders of Zeek's logs. */
  readonly from?: 'zeek' | undefined;
  readonly interface?: string | undefined;
  /** Or a folder of captures that grows. */
  readonly follow?: string | undefined;
  readonly as: Format;
  readonly out?: string | undefined;
  readonly kinds?: readonly KindName[] | undefined;
  readonly filter?: string | undefined;
  /** Zeek's logs as JSON lines. */
  readonly json: boolean;
  /** With Zeek's logs: also the rows Zeek would not write. */
  readonly allRows: boolean;
  readonly quiet: boolean;
  /** What has no end of its own ends after so many seconds, or packets. */
  readonly duration?: number | undefined;
  readonly count?: number | undefined;
  readonly flowsMax?: number | undefined;
  readonly snaplen?: number | undefined;
}

/** Where events go. Several files are one sink: it is closed when any of them is. */
interface Sink {
  write(kind: KindName, event: CatenaryEvent): void;
  outputs(): Iterable<TextOutput>;
  close(): Promise<void>;
}

function jsonToStream(output: TextOutput): Sink {
  const writer = new JsonWriter(() => output);
  return { write: (kind, event) => writer.write(kind, event), outputs: () => [output], close: () => output.close() };
}

function jsonToFolder(folder: string): Sink {
  const files = new Map<KindName, TextOutput>();
  const writer = new JsonWriter((kind) => {
    const known = files.get(kind);
    if (known !== undefined) return known;
    const made = new FileOutput(join(folder, `${kind}.ndjson`));
    files.set(kind, made);
    return made;
  });
  return {
    write: (kind, event) => writer.write(kind, event),
    outputs: () => files.values(),
    close: async () => {
      for (const file of files.values()) await file.close();
    },
  };
}

// Its thirty logs are loaded when they are asked for: of a short run, starting is the most.
async function zeekToFolder(folder: string, json: boolean, all: boolean): Promise<Sink> {
  const { ZeekWriter } = await import('./formats/zeek/zeek.ts');
  const writer = new ZeekWriter(folder, json, all);
  return {
    write: (kind, event) => writer.write(kind, event),
    outputs: () => writer.outputs,
    close: () => writer.close(),
  };
}

async function eveTo(output: TextOutput, inIface: string | null): Promise<Sink> {
  const { EveWriter } = await import('./formats/eve/eve.ts');
  const writer = new EveWriter(output, inIface);
  return { write: (kind, event) => writer.write(kind, event), outputs: () => [output], close: () => output.close() };
}

async function sinkFor(request: ReadRequest, stdout: TextOutput): Promise<Sink> {
  switch (request.as) {
    case 'json':
      return request.out === undefined ? jsonToStream(stdout) : jsonToFolder(request.out);
    case 'zeek':
      return zeekToFolder(request.out ?? '.', request.json, request.allRows);
    case 'eve':
      return eveTo(
        request.out === undefined ? stdout : new FileOutput(join(request.out, 'eve.json')),
        request.interface ?? null,
      );
    case 'none':
      return { write: () => undefined, outputs: () => [], close: async () => undefined };
  }
}

async function kindsFor(request: ReadRequest): Promise<readonly KindName[] | undefined> {
  if (request.as === 'none') return request.from === 'zeek' ? undefined : [];
  if (request.kinds !== undefined || request.as === 'json') return request.kinds;
  return request.as === 'zeek'
    ? (await import('./formats/zeek/zeek.ts')).ZEEK_KINDS
    : (await import('./formats/eve/eve.ts')).EVE_KINDS;
}

/** Every drain into the sink, until the end, a fault of the decoder, or an output that takes no more. */
async function pump(reader: EventSource, sink: Sink, isLive: boolean, between: () => void): Promise<Fault | undefined> {
  for await (const drain of reader.drains(between)) {
    if (!drain.ok) return drain.fault;
    forEachInOrder(drain.value, (kind, event) => sink.write(kind, event));
    for (const output of sink.outputs()) {
      await output.settle(isLive);
      if (output.closed) return undefined;
    }
  }
  return undefined;
}

/** Folders of Zeek's logs, to the sink. Runs as read() does, with rows for packets. */
async function readLogs(request: ReadRequest, world: Surroundings): Promise<ExitCode> {
  const { ZeekReader } = await import('./formats/zeek/input/reader.ts');
  const opened = await ZeekReader.open(request.files, await kindsFor(request));
  if (!opened.ok) {
    world.stderr.write(`${faultLine(opened.fault)}\n`);
    return FAULTS[opened.fault.code];
  }
  const reader = opened.value;
  for (const notice of reader.notices) world.stderr.write(`catenary: ${notice}\n`);
  const sink = await sinkFor(request, world.stdout);
  const started = world.clock.monotonic();
  let interrupted: ExitCode | undefined;
  const release = world.onInterrupt((code) => {
    interrupted = code;
    reader.stop();
  });
  const pumpFault = await pump(reader, sink, false, () => undefined);
  await sink.close();
  release();
  if (world.stdout.closed && world.stdout.fault === undefined) return EXIT.ok;
  const faults = reader.faults();
  if (pumpFault !== undefined) faults.push(pumpFault);
  for (const { fault } of sink.outputs()) if (fault !== undefined && fault !== world.stdout.fault) faults.push(fault);
  for (const fault of faults) world.stderr.write(`${faultLine(fault)}\n`);
  const seconds = (world.clock.monotonic() - started) / 1000;
  const text = rowsText(reader.summary(), { seconds, peakMemoryBytes: world.peakMemoryBytes() });
  if (request.as === 'none') world.stdout.write(text);
  else if (!request.quiet) world.stderr.write(text);
  if (reader.outOfOrder > 0)
    world.stderr.write(`catenary: ${reader.outOfOrder} rows came too late to be put in order\n`);
  if (interrupted !== undefined) return interrupted;
  return faults.reduce<ExitCode>((code, fault) => worse(code, FAULTS[fault.code]), EXIT.ok);
}

/** Runs it. What goes wrong is told on stderr; the answer is the exit code. */
export async function read(request: ReadRequest, world: Surroundings): Promise<ExitCode> {
  const tell = (fault: Fault): void => {
    world.stderr.write(`${faultLine(fault)}\n`);
  };
  const stop = (fault: Fault): ExitCode => {
    tell(fault);
    return FAULTS[fault.code];
  };

  if (request.out !== undefined) {
    try {
      await mkdir(request.out, { recursive: true });
    } catch (error) {
      return stop(systemFault('output_unwritable', request.out, error));
    }
  }
  if (request.from === 'zeek') return readLogs(request, world);
  const inputs = await inspectInputs(request.files);
  const opened = openReader({
    files: inputs.files,
    ...(request.interface === undefined ? {} : { interface: request.interface }),
    ...(request.follow === undefined ? {} : { folder: request.follow }),
    filter: request.filter,
    kinds: await kindsFor(request),
    flowsMax: request.flowsMax,
    endsLateFlows: request.as === 'zeek',
    packetsMax: request.count,
    snaplen: request.snaplen,
  });
  if (!opened.ok) return stop(opened.fault);
  const reader = opened.value;

  const { stdout } = world;
  const sink = await sinkFor(request, stdout);
  const printsEvents = (request.as === 'json' || request.as === 'eve') && request.out === undefined;
  const progress = new Progress(world.stderr, world.clock, !(printsEvents && world.stdoutIsTerminal));
  const started = world.clock.monotonic();
  let interrupted: ExitCode | undefined;
  const release = world.onInterrupt((code) => {
    interrupted = code;
    reader.stop();
  });
  const alarm =
    request.duration === undefined ? undefined : world.clock.after(request.duration * 1000, () => reader.stop());
  const between = (): void => {
    if (!progress.isDue()) return;
    const now = reader.summary();
    progress.draw({ done: now.position, total: inputs.bytes, packets: now.packets, name: busyWith(now) });
  };

  const faults: Fault[] = [...inputs.faults];
  const isEndless = request.interface !== undefined || request.follow !== undefined;
  // What comes slowly is waited for.
  const isLive = isEndless || inputs.files.includes(STDIN);
  const nothingToRead = !isEndless && inputs.files.length === 0;
  const pumpFault = nothingToRead ? undefined : await pump(reader, sink, isLive, between);
  await sink.close();
  progress.erase();
  alarm?.cancel();
  release();

  const summary = nothingToRead ? NOTHING_READ : reader.summary();
  faults.push(...resultFaults(summary.files));
  if (pumpFault !== undefined) faults.push(pumpFault);
  // Standard output's own fault is the program's to tell.
  for (const output of sink.outputs()) if (output.fault !== undefined && output !== stdout) faults.push(output.fault);
  // `| head` took what it wanted: nothing is wrong, and nobody is left to read a summary.
  if (stdout.closed && stdout.fault === undefined) return EXIT.ok;

  for (const fault of faults) tell(fault);
  const seconds = (world.clock.monotonic() - started) / 1000;
  const text = summaryText(summary, { seconds, peakMemoryBytes: world.peakMemoryBytes() });
  if (request.as === 'none') stdout.write(text);
  else if (!request.quiet) world.stderr.write(text);
  if (interrupted !== undefined) return interrupted;
  return faults.reduce<ExitCode>((code, fault) => worse(code, FAULTS[fault.code]), EXIT.ok);
}

const busyWith = (s: Summary): string => s.files.at(-1)?.path ?? '';
