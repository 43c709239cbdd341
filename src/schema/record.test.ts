import assert from 'node:assert/strict';
import { decodeBatch } from './decode.ts';
import { encodeBatch } from './encode.ts';
import type { HttpEvent } from './gen/events.gen.ts';
import { FIELDS } from './gen/structures.gen.ts';

describe('record: longer than the buffer it began with', () => {
  const empty = Object.fromEntries(
    FIELDS.http.map((f) => [
      f.name,
      f.list ? [] : f.optional ? null : f.type === 'bool' ? false : f.type === 'text' ? '' : 0,
    ]),
  ) as unknown as HttpEvent;
  const base = { ...empty, uid: 'C00000000000', orig_h: '192.0.2.1', resp_h: '192.0.2.2' };

  it('grows wherever the end of the buffer falls: inside a text, before a number', () => {
    for (let n = 3900; n <= 4200; n++) {
      const event = { ...base, uri: 'u'.repeat(n), user_agent: 'a'.repeat(300), request_body_len: 2 ** 40 };
      const [got] = decodeBatch('http', encodeBatch('http', [event]));
      assert.deepEqual([got?.uri?.length, got?.user_agent?.length, got?.request_body_len], [n, 300, 2 ** 40]);
    }
  });
});
