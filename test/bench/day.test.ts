// A shorter day than `make day` plays: memory stands still from a quarter of it on.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NATIVE } from '../capture/veth.ts';
import { skip } from '../skip.ts';
import { day, GROWTH_KB, growth } from './day.ts';

describe('a day of traffic', function () {
  this.timeout(120_000);
  it('memory does not grow with it', async function () {
    if (!existsSync(NATIVE)) skip(this, 'catenary-native is not built');
    const done = await day(fileURLToPath(new URL('../../', import.meta.url)), 12, 1, false);
    assert.match(done.summary, new RegExp(`"packets":${done.packets},`), 'every packet was decoded');
    assert.ok(growth(done) <= GROWTH_KB, `${growth(done)} KiB: ${done.rss.join(' ')}`);
  });
});
