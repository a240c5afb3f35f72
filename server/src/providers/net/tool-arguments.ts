import { asRecord } from './json-fields.ts';

/** The arguments of a tool call as an object; empty where the model wrote none that can be read. */
export function parsedArguments(json: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(json)) ?? {};
  } catch {
    // The tool has refused them already; the talk goes on without.
    return {};
  }
}
