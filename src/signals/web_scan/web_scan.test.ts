import { describeCases } from '../case_world.test.ts';

describeCases('web_scan', [
  {
    table: 'pairs',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'http',
        event: { orig_h: `203.0.113.${i}`, resp_h: '10.1.0.80', uri: '/x', status_code: 404, method: 'GET' },
      },
    ],
  },
]);
