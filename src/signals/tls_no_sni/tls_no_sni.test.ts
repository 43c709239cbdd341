import { describeCases } from '../case_world.test.ts';

describeCases('tls_no_sni', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'tls',
        event: {
          orig_h: '10.1.0.7',
          resp_h: `203.0.113.${i}`,
          resp_p: 4782,
          proto: 6,
          subject: 'CN=a',
          issuer: 'CN=a',
        },
      },
    ],
  },
]);
