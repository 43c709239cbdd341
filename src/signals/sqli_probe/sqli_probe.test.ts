import { describeCases } from '../case_world.test.ts';

describeCases('sqli_probe', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'http',
        event: { orig_h: `203.0.113.${i}`, resp_h: '10.1.0.80', method: 'GET', uri: '/?id=1 union select 1' },
      },
    ],
  },
]);
