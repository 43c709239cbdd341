import { describeCases } from '../case_world.test.ts';

describeCases('mime_mismatch', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'file',
        event: {
          ...{ rx_host: '10.1.0.7', tx_host: `203.0.113.${i}`, source: 'http', url: 'http://a.example/a.png' },
          mime_type: 'application/zip',
        },
      },
    ],
  },
]);
