import { describeCases } from '../case_world.test.ts';

describeCases('icmp_probe', [
  {
    table: 'pairs',
    cap: 'pairs_max',
    make: (i) => [
      { kind: 'icmp', event: { orig_h: `10.1.0.${i}`, resp_h: '10.1.0.99', icmp_type: 17, is_orig: true } },
    ],
  },
]);
