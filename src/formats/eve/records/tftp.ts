// tftp.
import { defineKind, record } from '../record.ts';

export const TFTP = defineKind('tftp', (e) => [
  record('tftp', e, { tftp: { packet: e.packet, file: e.file, mode: e.mode } }),
]);
