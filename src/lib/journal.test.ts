import assert from 'node:assert/strict';
import { systemClock } from './clock.ts';
import { Journal } from './journal.ts';

describe('a journal', () => {
  const journalAt = (wall: number): { journal: Journal; lines: string[] } => {
    const lines: string[] = [];
    const clock = { ...systemClock, wall: () => wall };
    return { journal: new Journal(clock, { write: (text: string) => lines.push(text) }), lines };
  };

  it('writes a line with the time, which no text can break', () => {
    const { journal, lines } = journalAt(1_700_000_000_123_456);
    journal.say('eth1\n\u001b[2J');
    journal.tell({ code: 'usage', message: 'a fault', hint: 'do this' });
    assert.deepEqual(lines, [
      '2023-11-14T22:13:20.123Z eth1\\x0a\\x1b[2J\n',
      '2023-11-14T22:13:20.123Z catenary: a fault (do this)\n',
    ]);
  });

  it('keeps the last eight', () => {
    const { journal } = journalAt(1);
    for (let i = 0; i < 9; i++) journal.say(String(i));
    assert.deepEqual(
      journal.latest.map((s) => s.text),
      ['1', '2', '3', '4', '5', '6', '7', '8'],
    );
  });
});
