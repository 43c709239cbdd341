import { describeCases } from '../case_world.test.ts';

describeCases('non_std_port_proto', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'conn',
        event: {
          orig_h: '10.1.0.7',
          resp_h: `203.0.113.${i}`,
          resp_p: 8884,
          proto: 6,
          service: ['ssh'],
          conn_state: 'SF',
        },
      },
    ],
  },
]);
