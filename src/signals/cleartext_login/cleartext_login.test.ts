import { describeCases } from '../case_world.test.ts';

describeCases('cleartext_login', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'ftp',
        event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', command: 'PASS', user: 'u', reply_code: 230 },
      },
    ],
  },
]);
