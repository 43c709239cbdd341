import { describeCases } from '../case_world.test.ts';

describeCases('encoded_download', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'http',
        event: {
          ...{ orig_h: '10.1.0.7', resp_h: `203.0.113.${i}`, response_body_len: 90_000, resp_fuids: ['F1'] },
          ...{ status_code: 200, response_content_type: 'application/x-msdownload' },
        },
      },
    ],
  },
]);
