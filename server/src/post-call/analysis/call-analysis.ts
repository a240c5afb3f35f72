/** What was made of a talk. */
export interface CallAnalysis {
  summary: string | null;
  /** Null: no extraction is asked for. */
  data: Record<string, unknown> | null;
  /** Says honestly how it was made; JSON, as stored and shown. */
  record: AnalysisRecord;
}

export interface AnalysisRecord {
  /** `rules`: no language model had a part in it. Null: nothing was asked for. */
  by: 'llm' | 'rules' | null;
  model: string | null;
  /** How often the model was asked. */
  attempts: number;
  input_tokens: number;
  output_tokens: number;
  /** Whether the data fulfil the schema. Null: no extraction. */
  valid: boolean | null;
  /** What the schema has against the data. */
  problems: string[];
  /** Where rules found each field, word for word. */
  evidence: Record<string, string>;
  /** Why the model was not asked, or what became of it; null: nothing went wrong. */
  llm_error: string | null;
}

export const NO_ANALYSIS: AnalysisRecord = {
  by: null,
  model: null,
  attempts: 0,
  input_tokens: 0,
  output_tokens: 0,
  valid: null,
  problems: [],
  evidence: {},
  llm_error: null,
};
