import assert from 'node:assert/strict';
import { SCHEMA } from './fingerprint.ts';

describe('schema fingerprint', () => {
  it('is a number that a frame has room for', () => {
    assert.ok(Number.isInteger(SCHEMA) && SCHEMA >= 1 && SCHEMA < 2 ** 32);
  });
});
