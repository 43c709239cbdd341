import { describeCases } from '../case_world.test.ts';

describeCases('ftp_upload', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'ftp',
        event: { orig_h: '10.1.0.7', resp_h: `203.0.113.${i}`, command: 'STOR', reply_code: 226, user: 'a' },
      },
    ],
  },
]);
