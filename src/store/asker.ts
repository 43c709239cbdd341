// Questions to the store, as the reader: parameters are bound and never part of the text, and each has an end.
import type { ClickHouseClient, TupleParam } from '@clickhouse/client';
import { failure, type Result, success } from '../lib/fault.ts';
import { connect, reasonOf, type StoreAccess } from './access.ts';

/** Values for `{name: Type}` in a statement. */
export type Parameters = Readonly<Record<string, string | number | readonly (string | number | TupleParam)[]>>;

export const QUERY_SECONDS = 15;
/** More rows than any page shows: a statement that returns more has lost its LIMIT. */
const RESULT_ROWS_MAX = 20_000;

export class Asker {
  readonly database: string;
  private readonly url: string;
  private readonly client: ClickHouseClient;
  private readonly seconds: number;

  constructor(access: Pick<StoreAccess, 'url' | 'database' | 'reader'>, seconds = QUERY_SECONDS) {
    this.database = access.database;
    this.url = access.url;
    this.seconds = seconds;
    this.client = connect(access, access.reader);
  }

  /** Rows as arrays, in the order of the statement's columns. Integers are numbers: no record holds one above 2^53. */
  async rows(query: string, parameters: Parameters = {}): Promise<Result<readonly (readonly unknown[])[]>> {
    try {
      const answer = await this.client.query({
        query,
        query_params: parameters,
        format: 'JSONCompactEachRow',
        clickhouse_settings: {
          max_execution_time: this.seconds,
          timeout_overflow_mode: 'throw',
          max_result_rows: String(RESULT_ROWS_MAX),
          result_overflow_mode: 'throw',
          output_format_json_quote_64bit_integers: 0,
        },
      });
      return success(await answer.json<readonly unknown[]>());
    } catch (error) {
      const hint = /TIMEOUT_EXCEEDED|MEMORY_LIMIT|TOO_MANY_ROWS/.test(reasonOf(error)) ? 'ask for a shorter time' : '';
      return failure('store_unusable', `store at ${this.url}: ${reasonOf(error)}`, hint);
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
