#!/usr/bin/env node
// The spine of the command line: the program, in this process.
import { main } from './commands/program.ts';
import { processSurroundings } from './commands/surroundings.ts';

// A reader that went away, as head does, is no failure; src/lib/output.ts notices, and the command ends early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// Not process.exit(): what is still on its way into a pipe has to arrive.
process.exitCode = await main(process.argv.slice(2), processSurroundings);
