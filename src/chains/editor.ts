// What an editor and a reader need of the language, made from the same lists that the linter reads by: a JSON Schema of
// chain.yaml, and the page of functions.
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { FUNCTIONS } from './functions.ts';
import { CHAIN_KEYS, GROUP_KEYS, NAME, ON_FULL, RUNS, SEVERITIES, UPGRADES } from './language.ts';
import { AGG_KEYS, DISTINCT_MAX, INDICATORS, STEP_KEYS } from './step.ts';

type Schema = Readonly<Record<string, unknown>>;

const TIME: Schema = { type: 'string', pattern: '^\\d{1,6}[smhdw]$', description: 'A length of time: 30m, 7d.' };
const TEXT: Schema = { type: 'string' };
const TRUTH: Schema = { type: 'boolean' };
const oneOf = (values: readonly string[], description: string): Schema => ({ enum: values, description });

const CHAIN: Readonly<Record<string, Schema>> = {
  chain: { type: 'string', pattern: NAME.source, description: 'Its name, unique.' },
  version: { type: 'integer', minimum: 1 },
  title: { type: 'string', description: 'What an analyst reads first.' },
  attack: {
    type: 'array',
    items: { type: 'string', pattern: '^T\\d{4}(\\.\\d{3})?$' },
    description: 'ATT&CK techniques.',
  },
  severity: oneOf(SEVERITIES, 'How bad if true.'),
  scope: oneOf(['sensor', 'fleet'], 'Where it runs; the result is the same.'),
  runs: oneOf(RUNS, 'Who runs it: each sensor, or the collector over what all of them concluded.'),
  by: { type: 'array', items: TEXT, minItems: 1, description: 'Variables that join the steps; every step binds them.' },
  window: { ...TIME, description: 'First step to last, 400d at most.' },
  start: {
    type: 'string',
    pattern: '^(first|last|each\\(\\d+\\))$',
    description: 'Which first steps are kept for a key.',
  },
  on_full: oneOf(ON_FULL, 'What each(n) and limits do with one more.'),
  on_young: oneOf(['flag', 'wait', 'match'], 'When memory does not reach back far enough to know.'),
  limits: { type: 'object', properties: { partials: { type: 'integer', minimum: 1 } }, additionalProperties: false },
  suppress: { ...TIME, description: 'After an alert none for the same key for so long; counted.' },
  emit: oneOf(['alert', 'signal'], 'What a finished one is.'),
  upgrade: oneOf(UPGRADES, 'What becomes of open partials when this text changes.'),
  retro: {
    type: 'object',
    properties: {
      intel: { ...TRUTH, description: 'Later lists of indicators are compared with history.' },
      rule: { ...TRUTH, description: 'This text, where it is new, is run over history.' },
      backfill: { ...TIME, description: 'How far back; the window at least, 400d at most.' },
    },
    additionalProperties: false,
    description: 'What completes it backwards.',
  },
  steps: {
    type: 'array',
    minItems: 1,
    maxItems: 16,
    items: { anyOf: [{ $ref: '#/$defs/step' }, { $ref: '#/$defs/group' }] },
  },
  until: { type: 'array', items: { $ref: '#/$defs/ending' }, description: 'What calls the chain off for its key.' },
  notes: { description: 'For the reader.' },
};

const STEP: Readonly<Record<string, Schema>> = {
  id: { type: 'string', description: 'The name under which later steps speak of it.' },
  event: oneOf(
    Object.keys(FIELDS).filter((kind) => kind !== 'alert'),
    'A kind of the schema.',
  ),
  signal: { type: 'string', description: 'What a micro-analytic, a list or an outside system says.' },
  model: { type: 'string', description: 'A signal that a model made.' },
  intel: oneOf(INDICATORS, 'A sighting of an indicator of this form.'),
  chain: { type: 'string', description: 'Another chain at its end.' },
  where: { type: 'string', description: 'A condition in CEL; FUNCTIONS.md has the functions.' },
  bind: { type: 'object', additionalProperties: TEXT, description: 'Variables, and the fields they are.' },
  agg: { $ref: '#/$defs/agg' },
  after: { ...TIME, description: 'Least time since the step before.' },
  within: { ...TIME, description: 'Most time since the step before.' },
  absent: { type: 'boolean', description: 'Nothing like this may come.' },
  for: { ...TIME, description: 'How long it must stay away, at the end.' },
  require_coverage: {
    type: 'number',
    minimum: 0,
    maximum: 1,
    description: 'Less of the time seen: the alert says blind.',
  },
  keep: {
    type: 'object',
    properties: { file: { const: 'content' }, packets: TEXT, lease: TIME },
    additionalProperties: false,
    description: 'Evidence held while the chain may still finish, and then with the alert.',
  },
  optional: { type: 'boolean', description: 'The chain goes on without it.' },
};

const VALUE: Schema = { anyOf: [TEXT, { const: true }] };
const AGG: Readonly<Record<string, Schema>> = {
  count: { const: true, description: 'Records.' },
  distinct: { type: 'string', description: `Different values, ${DISTINCT_MAX} at most.` },
  sum: TEXT,
  avg: TEXT,
  rate: { ...VALUE, description: 'A second: of a value, or of records (true).' },
  per: { ...TIME, description: 'The sliding period.' },
  gte: { type: 'number', description: 'From so much on the step is met.' },
  min_n: { type: 'integer', minimum: 1, description: 'An average of fewer records says nothing.' },
};

const GROUP: Readonly<Record<string, Schema>> = {
  any_order: { type: 'array', minItems: 2, maxItems: 16, items: { $ref: '#/$defs/step' } },
  one_of: { type: 'array', minItems: 2, maxItems: 16, items: { $ref: '#/$defs/step' } },
  after: TIME,
  within: TIME,
  optional: TRUTH,
};

/** Each key that the linter knows has its schema, and no other has one. */
function object(
  keys: readonly string[],
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
): Schema {
  const wrong = [...keys, ...Object.keys(properties)].find((key) => !keys.includes(key) || !(key in properties));
  if (wrong !== undefined) throw new Error(`${wrong}: the schema and the language differ`);
  return { type: 'object', properties, additionalProperties: false, required };
}

export const chainSchema = (): string =>
  `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $comment: 'Generated by src/chains/gen.ts. Do not edit.',
      title: 'A chain',
      ...object(CHAIN_KEYS, CHAIN, ['chain', 'by', 'window', 'steps']),
      $defs: {
        step: object(STEP_KEYS, STEP, ['id']),
        ending: object(STEP_KEYS, STEP, []),
        group: object(GROUP_KEYS, GROUP, []),
        agg: object(AGG_KEYS, AGG, ['per', 'gte']),
      },
    },
    undefined,
    2,
  )}\n`;

/** A table for people: what functions there are, what they answer, and what they depend on. */
export function functionsPage(): string {
  const rows = [...FUNCTIONS.values()].map(
    ({ form, answers, brief, memory }) =>
      `| \`${form}\` | ${answers} | ${memory ? 'memory' : 'the record'} | ${brief} |`,
  );
  return `<!-- Generated by src/chains/gen.ts. Do not edit. -->
# Functions of \`where\`

Every one of them is answered along with traffic and over history alike: a hunt asks the store for records, and makes
memory of what was seen until then. Before memory begins the answer is unknown, and \`on_young\` decides.

| function | answers | asks | what |
|---|---|---|---|
${rows.join('\n')}

Besides: \`==\` \`!=\` \`<\` \`<=\` \`>\` \`>=\`, \`&&\` \`||\` \`!\`, \`?:\`, \`+\` \`-\` \`*\` \`/\`, \`in\` a list or a set, and
of texts \`startsWith\`, \`endsWith\`, \`contains\`.
`;
}
