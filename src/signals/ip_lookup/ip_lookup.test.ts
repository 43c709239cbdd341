import { describeCases } from '../case_world.test.ts';

describeCases('ip_lookup', [
  {
    table: 'told',
    cap: 'pairs_max',
    // Too few for one name to be common.
    make: (i) => [
      { kind: 'tls', event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', server_name: `n${i}.ipinfo.io` } },
    ],
  },
]);
