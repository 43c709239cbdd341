// Which schema records are written by, as a number. Reading is positional: two programs that mean different fields by
// the same places must never read each other's records, so the number is made of the fields themselves. Every change
// makes another one, released or not.
import { createHash } from 'node:crypto';
import { FIELDS, KIND_IDS } from './gen/structures.gen.ts';

/** 1 .. 2^32 - 1. */
export const SCHEMA: number =
  createHash('sha256')
    .update(
      JSON.stringify(
        Object.entries(FIELDS).map(([kind, fields]) => [
          ...[kind, KIND_IDS[kind as keyof typeof KIND_IDS]],
          fields.map((f) => [f.name, f.type, f.list, f.optional]),
        ]),
      ),
    )
    .digest()
    .readUInt32LE(0) || 1;
