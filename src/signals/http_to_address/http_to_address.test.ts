import { describeCases } from '../case_world.test.ts';

describeCases('http_to_address', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      { kind: 'http', event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', method: 'POST', host: '203.0.113.9' } },
    ],
  },
]);
