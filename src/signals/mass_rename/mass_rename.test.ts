import { describeCases } from '../case_world.test.ts';

describeCases('mass_rename', [
  {
    table: 'endings',
    cap: 'keys_max',
    make: (i) => [
      {
        kind: 'smb_file',
        event: { orig_h: `10.1.0.${i}`, action: 'SMB::FILE_RENAME', prev_name: 'a.x', name: 'a.x.lock' },
      },
    ],
  },
]);
