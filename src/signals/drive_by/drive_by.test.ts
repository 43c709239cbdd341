import { describeCases } from '../case_world.test.ts';

describeCases('drive_by', [
  {
    table: 'plugins',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'http',
        event: {
          ...{ orig_h: '10.1.0.7', resp_h: `203.0.113.${i}`, uri: '/x', status_code: 200 },
          resp_mime_types: ['application/x-shockwave-flash'],
        },
      },
    ],
  },
]);
