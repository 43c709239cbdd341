import { describeCases } from '../case_world.test.ts';

describeCases('kerberos_downgrade', [
  {
    table: 'clients',
    cap: 'clients_max',
    make: (i) => [
      {
        kind: 'kerberos',
        event: {
          orig_h: '10.1.0.7',
          request_type: 'AS',
          client: `u${i}/R`,
          request_ciphers: ['aes256-cts-hmac-sha1-96'],
        },
      },
    ],
  },
]);
