import { z } from 'zod';
import { checkExtractionSchema } from './extraction-schema.ts';

/** What is made of a call when it is over. */
export const analysisSchema = z.strictObject({
  /** A few sentences about the talk, in `summary` of the call. */
  summary: z.boolean().default(true),
  /** Data that are read out of the talk into `extracted_data` of the call. */
  extraction: z
    .strictObject({
      /** JSON Schema (draft 7) of an object: the data, and what each field means in `description`. */
      schema: z.record(z.string(), z.unknown()).superRefine((schema, ctx) => {
        for (const { path, message } of checkExtractionSchema(schema)) {
          ctx.addIssue({ code: 'custom', path, message });
        }
      }),
      /** Told to the language model besides the schema. */
      instructions: z.string().max(10_000).default(''),
    })
    .nullable()
    .default(null),
  /** `auto`: an `llm` agent asks its language model, a scripted one goes by rules. Rules also step in where the model fails. */
  by: z.enum(['auto', 'llm', 'rules']).default('auto'),
  /** Model of the same endpoint as the agent's. Default: the agent's own. */
  model: z.string().min(1).max(200).optional(),
  /** How long one answer of the model may take. */
  timeout_ms: z.number().int().min(1_000).max(120_000).default(30_000),
});

/** How long a call's recording and transcript are kept; null: as the workspace says. */
export const retentionSchema = z.strictObject({
  recording_days: z.number().int().min(0).max(3_650).nullable().default(null),
  transcript_days: z.number().int().min(0).max(3_650).nullable().default(null),
});

export type AnalysisConfig = z.output<typeof analysisSchema>;
