import { z } from 'zod';
import type { CallEventRow } from '../../db/queries/call-events.ts';
import { asJson, asText } from './translation.ts';

export const logEntrySchema = z.object({
  created_at: z.iso.datetime(),
  type: z.enum(['request', 'response', 'event', 'error']),
  component: z.string().describe('transcriber, llm, function_call, telephony, warning or error.'),
  provider: z.string().nullable(),
  data: z.string(),
  reasoning_content: z.string().nullable(),
});

type LogEntry = z.output<typeof logEntrySchema>;
type Told = Pick<LogEntry, 'type' | 'component' | 'provider' | 'data'>;

/** The events of a call as lines of Bolna's log. `config`: the agent's, which names the providers. */
export function logEntries(events: readonly CallEventRow[], config: unknown): LogEntry[] {
  return events.flatMap((event) => {
    const told = toldBy(event, providersOf(config));
    return told
      ? [{ created_at: event.createdAt.toISOString(), reasoning_content: null, ...told }]
      : [];
  });
}

interface Providers {
  stt: string | null;
  llm: string | null;
}

function providersOf(config: unknown): Providers {
  const part = (name: string): string | null =>
    asText(asJson(asJson(config)?.[name])?.['provider']);
  return { stt: part('stt'), llm: part('llm') };
}

function toldBy({ type, data }: CallEventRow, providers: Providers): Told | null {
  const fields = asJson(data) ?? {};
  if (type === 'call.turn') {
    const isCaller = fields['speaker'] === 'caller';
    return {
      type: 'response',
      component: isCaller ? 'transcriber' : 'llm',
      provider: isCaller ? providers.stt : providers.llm,
      data: asText(fields['text']) ?? '',
    };
  }
  const event = { type: 'event', provider: null, data: JSON.stringify(fields) } as const;
  if (type === 'call.note') return { ...event, component: 'function_call' };
  if (type === 'call.warning') return { ...event, type: 'error', component: 'warning' };
  if (typeof fields['status'] === 'string') {
    return { ...event, component: 'telephony', data: fields['status'] };
  }
  return { ...event, component: type.replace(/^call\./, '') };
}
