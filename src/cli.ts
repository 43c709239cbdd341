#!/usr/bin/env node
// The spine of the command line: the program, in this process.
import { main } from './commands/program.ts';
import { processSurroundings } from './commands/surroundings.ts';

// Standard error that nobody takes (2>&1 | head) leaves nobody to tell.
process.stderr.on('error', () => undefined);

// Not process.exit(): what is still on its way into a pipe has to arrive.
process.exitCode = await main(process.argv.slice(2), processSurroundings);
