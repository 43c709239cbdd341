import { describeCases } from '../case_world.test.ts';

describeCases('doh_use', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [{ kind: 'tls', event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', server_name: 'dns.google' } }],
  },
]);
