import { describeCases } from '../case_world.test.ts';

describeCases('forced_auth', [
  {
    table: 'visits',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'ntlm',
        event: { orig_h: `10.1.0.${i}`, resp_h: '10.1.1.1', username: 'bob', response: 'ntlmv2', success: true },
      },
    ],
  },
]);
