import { describeCases } from '../case_world.test.ts';

describeCases('upload_anomaly', [
  {
    table: 'targets',
    cap: 'targets_max',
    make: (i) => [
      {
        kind: 'conn',
        event: {
          orig_h: '10.1.0.7',
          resp_h: `203.0.113.${i}`,
          proto: 6,
          resp_p: 443,
          orig_bytes: 200_000,
          conn_state: 'SF',
        },
      },
    ],
  },
]);
