import { describeCases } from '../case_world.test.ts';

describeCases('slow_scan', [
  {
    table: 'sources',
    cap: 'sources_max',
    make: (i) => [
      {
        kind: 'conn',
        event: { orig_h: `10.1.0.${i}`, resp_h: '10.1.0.99', resp_p: 80, proto: 6, conn_state: 'S0', orig_pkts: 1 },
      },
    ],
  },
]);
