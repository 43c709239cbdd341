import { describeCases } from '../case_world.test.ts';

describeCases('address_conflict', [
  {
    table: 'addresses',
    cap: 'addresses_max',
    make: (i) => [{ kind: 'arp', event: { opcode: 2, sender_mac: '02:00:00:00:00:01', sender_ip: `10.1.0.${i}` } }],
  },
]);
