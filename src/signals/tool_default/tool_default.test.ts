import { describeCases } from '../case_world.test.ts';

describeCases('tool_default', [
  {
    table: 'told',
    cap: 'pairs_max',
    make: (i) => [
      {
        kind: 'http',
        event: { orig_h: `10.1.0.${i}`, resp_h: '203.0.113.9', uri: '/', user_agent: 'Mozilla/4.08 (Charon; Inferno)' },
      },
    ],
  },
]);
