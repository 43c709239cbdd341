import { describeCases } from '../case_world.test.ts';

describeCases('strobe', [
  {
    table: 'pairs',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'conn',
        event: {
          orig_h: '10.1.0.7',
          resp_h: `203.0.113.${i}`,
          proto: 6,
          service: ['tls'],
          orig_bytes: 500,
          resp_bytes: 900,
        },
      },
    ],
  },
]);
