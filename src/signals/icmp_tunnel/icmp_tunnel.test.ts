import { describeCases } from '../case_world.test.ts';

describeCases('icmp_tunnel', [
  {
    table: 'pairs',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'icmp',
        event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', icmp_type: 8, payload_bytes: 56, is_orig: true },
      },
    ],
  },
]);
