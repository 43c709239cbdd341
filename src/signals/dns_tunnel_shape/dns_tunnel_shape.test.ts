import { describeCases } from '../case_world.test.ts';

describeCases('dns_tunnel_shape', [
  {
    table: 'zones',
    cap: 'zones_max',
    make: (i) => [
      { kind: 'dns', event: { orig_h: '10.1.0.7', resp_h: '10.1.0.1', query: `a.zone${i}.example`, qtype: 10 } },
    ],
  },
]);
