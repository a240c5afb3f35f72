import { z } from 'zod';
import type { TurnRow } from '../../db/queries/turns.ts';
import type { TurnEvidence, TurnLatency } from '../../voice/worker-protocol.ts';

/** What happened when in a turn. */
export const turnEvidenceSchema = z
  .object({
    speech_ended_ms: z
      .number()
      .optional()
      .describe('Last speech of the caller, by voice activity.'),
    stt_final_ms: z.number().optional().describe('The words of the turn were known.'),
    endpoint_ms: z.number().optional().describe('The turn was taken to be over.'),
    endpoint_reason: z
      .string()
      .optional()
      .describe(
        'How the words end: `complete`, `short-answer`, `open`, `dangling`, `digits`, `spelling` or `all-digits`.',
      ),
    endpoint_silence_ms: z.number().optional().describe('Silence that such an end asks for.'),
    llm_first_text_ms: z
      .number()
      .optional()
      .describe('The first sentence or clause of the reply was there.'),
    tts_first_audio_ms: z.number().optional(),
    filler_ms: z.number().optional().describe('A filler was heard first.'),
    first_audio_ms: z.number().optional().describe('The first frame of the reply left.'),
    interrupted_at: z
      .object({
        ms: z.number(),
        word: z.string().describe('The last word that was heard.'),
        word_index: z.number().int().describe('Counted from 0; -1: none was heard.'),
      })
      .optional(),
  })
  .nullable()
  .describe('What happened when, milliseconds since the answer, as far as it did.');

type TurnEvidenceView = z.output<typeof turnEvidenceSchema>;

const NAMES = {
  speechEndedMs: 'speech_ended_ms',
  sttFinalMs: 'stt_final_ms',
  endpointMs: 'endpoint_ms',
  endpointReason: 'endpoint_reason',
  endpointSilenceMs: 'endpoint_silence_ms',
  llmFirstTextMs: 'llm_first_text_ms',
  ttsFirstAudioMs: 'tts_first_audio_ms',
  fillerMs: 'filler_ms',
  firstAudioMs: 'first_audio_ms',
} as const;

export function turnEvidenceView(evidence: TurnEvidence | null | undefined): TurnEvidenceView {
  if (evidence === null || evidence === undefined) return null;
  const { interruptedAt, ...times } = evidence;
  const named = Object.entries(times).map(([name, value]) => [
    NAMES[name as keyof typeof NAMES],
    value,
  ]);
  return {
    ...(Object.fromEntries(named) as NonNullable<TurnEvidenceView>),
    ...(interruptedAt && {
      interrupted_at: {
        ms: interruptedAt.ms,
        word: interruptedAt.word,
        word_index: interruptedAt.wordIndex,
      },
    }),
  };
}

/** How fast the agent answered over a call. */
export const turnLatencySchema = z
  .object({ turns: z.number().int(), p50_ms: z.number(), p95_ms: z.number() })
  .nullable()
  .describe(
    'From the end of the caller’s speech to the first audio of the answer, over all answers; null: there were none.',
  );

export function turnLatencyOf(
  turns: readonly Pick<TurnRow, 'latency'>[],
): z.output<typeof turnLatencySchema> {
  const totals = turns
    .flatMap(({ latency }) => (latency === null ? [] : [(latency as TurnLatency).totalMs]))
    .sort((a, b) => a - b);
  if (totals.length === 0) return null;
  const at = (share: number): number => totals[Math.ceil(share * totals.length) - 1] ?? 0;
  return { turns: totals.length, p50_ms: at(0.5), p95_ms: at(0.95) };
}
