import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { chainSchema, functionsPage } from './editor.ts';
import { findChains } from './folder.ts';
import { FUNCTIONS } from './functions.ts';

const SHIPPED = fileURLToPath(new URL('../../appliance/chains', import.meta.url));

interface Node {
  readonly $ref?: string;
  readonly anyOf?: readonly Node[];
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly required?: readonly string[];
  readonly items?: Node;
}

/** What of JSON Schema the chains' schema uses. */
function valid(
  schema: Node,
  value: unknown,
  root: Node & { readonly $defs?: Readonly<Record<string, Node>> },
): boolean {
  if (schema.$ref !== undefined)
    return valid(root.$defs?.[schema.$ref.split('/').at(-1) as string] as Node, value, root);
  if (schema.anyOf !== undefined) return schema.anyOf.some((s) => valid(s, value, root));
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if ('const' in schema) return value === schema.const;
  if (schema.pattern !== undefined && !(typeof value === 'string' && new RegExp(schema.pattern).test(value)))
    return false;
  if (schema.type === 'array') return Array.isArray(value) && value.every((v) => valid(schema.items as Node, v, root));
  if (schema.type !== 'object') return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const more = schema.additionalProperties;
  return (
    (schema.required ?? []).every((key) => key in value) &&
    Object.entries(value).every(([key, v]) => {
      const property = schema.properties?.[key];
      if (property !== undefined) return valid(property, v, root);
      return more !== false && (typeof more !== 'object' || valid(more, v, root));
    })
  );
}

describe('chains: for editors', () => {
  const schema = JSON.parse(chainSchema()) as Node;

  it('the schema takes every chain that ships, and refuses what the linter refuses', () => {
    for (const file of findChains([SHIPPED]).files) {
      const chain = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      assert.ok(valid(schema, chain, schema), file);
      for (const wrong of [
        { windows: '3d' },
        { window: '3 days' },
        { severity: 'bad' },
        { steps: [{ id: 'a', evnt: 'dns' }] },
      ])
        assert.ok(!valid(schema, { ...chain, ...wrong }, schema), JSON.stringify(wrong));
      const { window: _, ...without } = chain;
      assert.ok(!valid(schema, without, schema));
    }
  });

  it('what is committed is what would be written', () => {
    assert.equal(readFileSync(`${SHIPPED}/chain.schema.json`, 'utf8'), chainSchema());
    assert.equal(readFileSync(`${SHIPPED}/FUNCTIONS.md`, 'utf8'), functionsPage());
  });

  it('the page has every function', () => {
    for (const name of FUNCTIONS.keys()) assert.match(functionsPage(), new RegExp(`\\| \`${name}\\(`));
  });
});
