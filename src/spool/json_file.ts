// A small file of JSON, read as what it has to be.
import { z } from 'zod';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { nodeDisk, readSmall } from './disk.ts';

/**
 * @param bytesMax  longer, it counts as not there
 * @param hint      what to do where it is damaged
 * @returns         undefined: it is not there
 */
export async function readJsonFile<T>(
  file: string,
  schema: z.ZodType<T>,
  bytesMax: number,
  hint: string,
): Promise<Result<T | undefined>> {
  try {
    const bytes = await readSmall(nodeDisk, file, bytesMax);
    return success(bytes === undefined ? undefined : schema.parse(JSON.parse(bytes.toString())));
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return failure('state_unusable', `${file}: is damaged`, hint);
    return { ok: false, fault: systemFault('state_unusable', file, error) };
  }
}
