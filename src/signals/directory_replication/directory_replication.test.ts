import { describeCases } from '../case_world.test.ts';

describeCases('directory_replication', [
  {
    table: 'roles',
    cap: 'hosts_max',
    make: (i) => [
      {
        kind: 'dce_rpc',
        event: { orig_h: '10.1.0.7', resp_h: `10.1.9.${i}`, endpoint: 'drsuapi', operation: 'DRSBind' },
      },
    ],
  },
]);
