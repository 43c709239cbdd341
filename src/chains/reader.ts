// What reading a chain's file is made of: nodes to values, and faults with their places.
//
// Nothing is guessed: an unknown key, field, signal or unit is a fault, and a chain with a fault is left out while
// the others load.
import { isScalar, isSeq, type LineCounter, type Node, type Scalar, type YAMLMap } from 'yaml';
import type { EntityClass } from '../schema/observation.ts';
import { CelFault } from './cel.ts';
import { duration } from './duration.ts';
import { type ChainFault, didYouMean, type Place } from './fault.ts';

/** What other chains may say of a chain: its variables, and how deep it stands itself. */
export interface ChainHead {
  readonly exports: ReadonlyMap<string, EntityClass>;
  readonly depth: number;
  readonly runs: 'sensor' | 'collector';
  readonly emit: 'alert' | 'signal';
}

export interface Vocabulary {
  /** Names of the signals that exist; undefined: any name will do. */
  readonly signals?: ReadonlySet<string>;
  /** Chains that a step can consume. */
  readonly chains?: ReadonlyMap<string, ChainHead>;
}

export class Reader {
  readonly faults: ChainFault[] = [];
  readonly file: string;
  private readonly lines: LineCounter;
  readonly text: string;
  readonly vocabulary: Vocabulary;
  constructor(file: string, text: string, lines: LineCounter, vocabulary: Vocabulary) {
    this.file = file;
    this.text = text;
    this.lines = lines;
    this.vocabulary = vocabulary;
  }

  place(node: Node | null | undefined): Place {
    const { line, col } = this.lines.linePos(node?.range?.[0] ?? 0);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }
  fault(node: Node | null | undefined, message: string, hint?: string): undefined {
    this.faults.push({ ...this.place(node), message, ...(hint === undefined ? {} : { hint }) });
    return undefined;
  }

  get(map: YAMLMap, key: string): Node | undefined {
    return (map.get(key, true) as Node | undefined) ?? undefined;
  }
  keys(map: YAMLMap, known: readonly string[], what: string): void {
    for (const { key } of map.items) {
      const name = String((key as Scalar).value);
      if (known.includes(name)) continue;
      this.fault(key as Node, `${what} has no ${name}`, didYouMean(name, known).hint);
    }
  }
  string(map: YAMLMap, key: string): string | undefined {
    const node = this.get(map, key);
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    return this.fault(node, `${key} is a text`);
  }
  time(map: YAMLMap, key: string): number | undefined {
    const text = this.string(map, key);
    if (text === undefined) return undefined;
    const us = duration(text);
    return (
      us ??
      this.fault(this.get(map, key), `${key}: ${text} is no length of time`, 'a number and s, m, h, d or w: 30m, 7d')
    );
  }
  strings(map: YAMLMap, key: string): string[] {
    const node = this.get(map, key);
    if (node === undefined) return [];
    if (isSeq(node)) {
      const values = node.items.map((i) => (isScalar(i) && typeof i.value === 'string' ? i.value : undefined));
      if (values.every((v) => v !== undefined)) return values as string[];
    }
    this.fault(node, `${key} is a list of texts`);
    return [];
  }
  choice<T extends string>(map: YAMLMap, key: string, known: readonly T[], otherwise: T): T {
    const text = this.string(map, key);
    if (text === undefined || known.includes(text as T)) return (text as T) ?? otherwise;
    this.fault(this.get(map, key), `${key} is ${text}`, `one of ${known.join(', ')}`);
    return otherwise;
  }

  number(map: YAMLMap, key: string): number | undefined {
    const node = this.get(map, key);
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'number' && Number.isFinite(node.value)) return node.value;
    return this.fault(node, `${key} is a number`);
  }
  truth(map: YAMLMap, key: string): boolean {
    const node = this.get(map, key);
    if (node === undefined) return false;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.fault(node, `${key} is true or false`);
    return false;
  }

  /** Compiles an expression of CEL, with faults placed inside its scalar. */
  expression<T>(map: YAMLMap, key: string, compile: (text: string) => T): T | undefined {
    const text = this.string(map, key);
    if (text === undefined) return undefined;
    try {
      return compile(text);
    } catch (error) {
      if (!(error instanceof CelFault)) throw error;
      const node = this.get(map, key) as Scalar;
      const base = node.range?.[0] ?? 0;
      // A plain scalar starts where its text does; a quoted or folded one a little later: find the offset's
      // neighbourhood.
      const near = text.slice(error.offset, error.offset + 12).split('\n')[0] ?? '';
      const found = this.text.indexOf(near, base);
      const { line, col } = this.lines.linePos(found < 0 ? base : found);
      this.faults.push({
        ...{ file: this.file, line, column: col, message: error.message },
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
      return undefined;
    }
  }
}
