import { z } from 'zod';
import type { AnalysisConfig } from '../../agents/analysis-schema.ts';
import type { Json } from './translation.ts';

const optionSchema = z.strictObject({
  value: z.string().min(1).max(200),
  condition: z.string().max(2_000),
  sub_options: z
    .array(z.unknown())
    .max(0, 'options of options are not there; make another disposition of them')
    .nullish(),
});

const fields = {
  name: z.string().trim().min(1).max(200),
  question: z.string().trim().min(1).max(5_000),
  category: z.string().trim().min(1).max(200),
  system_prompt: z.string().max(10_000).nullable(),
  model: z.string().max(200).describe('Kept; the agent’s own model answers.'),
  is_subjective: z.boolean(),
  is_objective: z.boolean(),
  subjective_type: z.enum(['text', 'timestamp', 'numeric', 'boolean', 'email', 'regex']),
  subjective_type_config: z
    .strictObject({ pattern: z.string().max(500), description: z.string().max(2_000).nullish() })
    .nullable(),
  objective_options: z.array(optionSchema).max(100).nullable(),
};

const agentId = z.string().min(1).max(100);

/** What a disposition is, complete. */
const whole = z.strictObject({
  ...fields,
  category: fields.category.default('General'),
  system_prompt: fields.system_prompt.default(null),
  model: fields.model.default('gpt-4.1-mini'),
  is_subjective: fields.is_subjective.default(false),
  is_objective: fields.is_objective.default(false),
  subjective_type: fields.subjective_type.default('text'),
  subjective_type_config: fields.subjective_type_config.default(null),
  objective_options: fields.objective_options.default(null),
});

function requireKind(
  value: { is_subjective: boolean; is_objective: boolean; objective_options: unknown[] | null },
  ctx: z.core.$RefinementCtx,
): void {
  if (!value.is_subjective && !value.is_objective) {
    ctx.addIssue({
      code: 'custom',
      path: ['is_subjective'],
      message: 'is_subjective or is_objective must be true',
    });
  }
  if (value.is_objective && (value.objective_options?.length ?? 0) === 0) {
    ctx.addIssue({
      code: 'custom',
      path: ['objective_options'],
      message: 'is_objective needs options',
    });
  }
}

export const dispositionSchema = whole.superRefine(requireKind);
export const dispositionCreateBody = whole
  .extend({ agent_id: agentId.nullish() })
  .superRefine(requireKind)
  .meta({
    examples: [{ name: 'callback', question: 'When may we call back?', is_subjective: true }],
  });
export const dispositionUpdateBody = z
  .strictObject({
    ...z.object(fields).partial().shape,
    agent_id: agentId.nullish(),
  })
  .meta({
    examples: [
      {
        question: 'On which day and at which time may we call back?',
        subjective_type: 'timestamp',
      },
    ],
  });
export const dispositionBulkBody = z
  .strictObject({
    agent_id: agentId,
    dispositions: z.array(dispositionSchema).min(1).max(100),
  })
  .meta({
    examples: [
      {
        agent_id: '019a8b3c-1f2e-4d5a-9b6c-7d8e9f0a1b2c',
        dispositions: [
          {
            name: 'interest',
            question: 'How interested is the person?',
            category: 'Sales',
            is_objective: true,
            objective_options: [
              { value: 'high', condition: 'Asks for a price or an appointment.' },
              { value: 'low', condition: 'Wants no further call.' },
            ],
          },
          {
            name: 'email',
            question: 'Which e-mail address was given?',
            category: 'Sales',
            is_subjective: true,
            subjective_type: 'email',
          },
        ],
      },
    ],
  });

export type Disposition = z.output<typeof whole>;

/** Marks what dispositions have brought into an agent's schema, so that it can be taken out again. */
const MARK = 'x-disposition';

/** The agent's extraction with these dispositions in place of the ones that it had. */
export function withDispositions(
  extraction: AnalysisConfig['extraction'],
  dispositions: readonly Disposition[],
): AnalysisConfig['extraction'] {
  const before = (extraction?.schema['properties'] ?? {}) as Record<string, Json>;
  const properties: Record<string, Json> = Object.fromEntries(
    Object.entries(before).filter(([, property]) => property[MARK] !== true),
  );
  for (const disposition of dispositions) {
    const category = properties[disposition.category] ?? {
      type: 'object',
      [MARK]: true,
      properties: {},
    };
    const answers = category['properties'] as Record<string, Json>;
    properties[disposition.category] = {
      ...category,
      properties: { ...answers, [disposition.name]: answerOf(disposition) },
    };
  }
  if (Object.keys(properties).length === 0) return null;
  return {
    instructions: extraction?.instructions ?? '',
    schema: { ...extraction?.schema, type: 'object', properties },
  };
}

/** What the model says to one question. */
function answerOf(disposition: Disposition): Json {
  const { question, system_prompt: prompt } = disposition;
  const required = [
    ...(disposition.is_subjective ? ['subjective'] : []),
    ...(disposition.is_objective ? ['objective'] : []),
    'confidence',
  ];
  return {
    type: 'object',
    description: [question, prompt].filter((text) => text !== null).join('\n'),
    properties: {
      ...(disposition.is_subjective && {
        subjective: subjectiveOf(disposition),
        reasoning_subjective: { type: 'string', description: 'Why, in one sentence.' },
      }),
      ...(disposition.is_objective && {
        objective: {
          enum: [...(disposition.objective_options ?? []).map(({ value }) => value), null],
          description: (disposition.objective_options ?? [])
            .map(({ value, condition }) => `${value}: ${condition}`)
            .join('\n'),
        },
        reasoning_objective: { type: 'string', description: 'Why, in one sentence.' },
      }),
      confidence: { type: 'number', minimum: 0, maximum: 1 },
    },
    required,
  };
}

const TYPES: Record<Disposition['subjective_type'], Json> = {
  text: { type: ['string', 'null'] },
  timestamp: { type: ['string', 'null'], description: 'ISO 8601 with an offset.' },
  numeric: { type: ['number', 'null'] },
  boolean: { type: ['boolean', 'null'] },
  email: { type: ['string', 'null'], description: 'An e-mail address.' },
  regex: { type: ['string', 'null'] },
};

function subjectiveOf({
  subjective_type: type,
  subjective_type_config: config,
}: Disposition): Json {
  if (type !== 'regex' || !config) return TYPES[type];
  // A stranger's expression is told to the model and not run here.
  const meaning = config.description == null ? '' : ` (${config.description})`;
  return { ...TYPES.regex, description: `Text that matches ${config.pattern}${meaning}.` };
}
