import { describeCases } from '../case_world.test.ts';

describeCases('name_to_inside', [
  {
    table: 'told',
    cap: 'zones_max',
    make: (i) => [
      {
        kind: 'dns',
        event: { orig_h: '10.1.0.7', query: `a.zone${i}.example`, rcode: 0, answers: ['10.9.9.9'], answer_types: [1] },
      },
    ],
  },
]);
