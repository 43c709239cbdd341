// Says three things to the journal of the namespace it runs in: for journal.test.ts.
import { loadAddon } from '../../src/capture/addon.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Journal } from '../../src/lib/journal.ts';

const addon = loadAddon();
if (!addon.ok) throw new Error(addon.fault.message);
const journal = new Journal(systemClock, process.stderr, { name: 'catenary-test', send: addon.value.notify });
journal.say('hello', 'started');
journal.say('a\nMESSAGE_ID=b', 'alert');
journal.tell({ code: 'output_unwritable', message: 'full', hint: 'make room' });
