import { describeCases } from '../case_world.test.ts';

describeCases('packet_flood', [
  {
    table: 'targets',
    cap: 'targets_max',
    make: (i) => [
      {
        kind: 'conn',
        event: { orig_h: '203.0.113.9', resp_h: `10.1.0.${i}`, proto: 6, conn_state: 'S0', history: 'S', orig_pkts: 1 },
      },
    ],
  },
]);
