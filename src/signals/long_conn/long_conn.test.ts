import { describeCases } from '../case_world.test.ts';

describeCases('long_conn', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'conn',
        event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', proto: 6, resp_p: 443, duration: 20_000 },
      },
    ],
  },
]);
