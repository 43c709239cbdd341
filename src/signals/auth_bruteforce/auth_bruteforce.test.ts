import { describeCases } from '../case_world.test.ts';

describeCases('auth_bruteforce', [
  {
    table: 'pairs',
    cap: 'pairs_max',
    make: (i) => [
      { kind: 'ssh', event: { orig_h: `10.1.0.${i}`, resp_h: '10.1.0.99', auth_success: false, auth_attempts: 1 } },
    ],
  },
  {
    table: 'sources',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'ftp',
        event: { orig_h: `10.1.0.${i}`, resp_h: '10.1.0.99', user: 'a', command: 'PASS', reply_code: 530 },
      },
    ],
  },
]);
