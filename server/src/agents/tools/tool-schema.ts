import { z } from 'zod';
import { checkToolParameters } from './tool-parameters.ts';

/** As language models take names of functions. */
const nameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, 'expected letters, digits, _ and -, at most 64');
const descriptionSchema = z.string().trim().min(1).max(2_000);
const variableSchema = z
  .string()
  .regex(/^[A-Za-z_][\w.-]{0,63}$/, 'expected the name of a variable')
  .refine((name) => !name.startsWith('secrets.'), 'a secret is no variable');
const fillerSchema = z.string().trim().max(300).nullable();
/** RFC 6901, or names with dots between them. */
const pathSchema = z.string().max(300);

const parametersSchema = z
  .record(z.string(), z.unknown())
  .superRefine((schema, ctx) => {
    for (const { path, message } of checkToolParameters(schema)) {
      ctx.addIssue({ code: 'custom', path, message });
    }
  })
  .describe('JSON Schema of the arguments. `"writeOnly": true` on a property masks it on record.');

const methodSchema = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Where secrets go must not be for a caller, or a model, to say. */
function isFixedOrigin(url: string): boolean {
  return /^https?:\/\/[^/?#{}\s]+([/?#]|$)/i.test(url);
}

const requestSchema = z
  .strictObject({
    method: methodSchema.default('POST'),
    url: z
      .string()
      .min(1)
      .max(2_000)
      .refine(isFixedOrigin, 'expected http(s)://host with no variable before the path'),
    headers: z
      .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/), z.string().max(4_000))
      .default({}),
    query: z.record(z.string().min(1).max(200), z.string().max(4_000)).default({}),
    body: z
      .union([z.record(z.string(), z.unknown()), z.array(z.unknown()), z.string().max(20_000)])
      .nullable()
      .optional()
      .describe(
        'An object is sent as JSON; a text that is one variable alone keeps its kind. Default: the ' +
          'arguments, where the method has a body. Null: none.',
      ),
  })
  .superRefine(({ headers, body }, ctx) => {
    if (Object.keys(headers).length > 30) {
      ctx.addIssue({ code: 'custom', path: ['headers'], message: 'expected at most 30 headers' });
    }
    if (JSON.stringify(body ?? null).length > 20_000) {
      ctx.addIssue({
        code: 'custom',
        path: ['body'],
        message: 'expected at most 20000 characters',
      });
    }
  });

const responseSchema = z.strictObject({
  /** What of the answer the model is told: a JSON pointer or `a.b.0`; empty: all of it. */
  text: pathSchema.default(''),
  /** Variables and where in the answer their values are. */
  variables: z
    .record(variableSchema, pathSchema)
    .refine((map) => Object.keys(map).length <= 50, 'expected at most 50 variables')
    .default({}),
  max_chars: z.number().int().min(1).max(20_000).default(4_000),
});

/** Asks a server of yours. Values may hold `{variables}`, arguments and `{{secrets.NAME}}`. */
export const httpToolSchema = z
  .strictObject({
    type: z.literal('http'),
    name: nameSchema,
    description: descriptionSchema,
    parameters: parametersSchema.default({ type: 'object', properties: {} }),
    request: requestSchema,
    response: responseSchema.prefault({}),
    timeout_ms: z.number().int().min(100).max(60_000).default(10_000),
    /** Further tries of a GET that got no answer, 429, 502, 503 or 504. */
    retries: z.number().int().min(0).max(3).default(1),
    /** Said while it runs, where the model said nothing; null: nothing. */
    filler: fillerSchema.default('One moment, please.'),
    /** Offered to the model only while every variable has its value. */
    run_when: z.record(variableSchema, z.string().max(1_000)).nullable().default(null),
  })
  .refine(({ retries, request }) => retries <= 1 || request.method === 'GET', {
    path: ['retries'],
    message: 'only GET is tried again: another method may have done its work before it failed',
  });

const phoneTargetSchema = z
  .string()
  .max(100)
  .regex(
    /^(\+[1-9]\d{6,14}|\{\{?\s*[A-Za-z_][\w.-]{0,63}\s*\}?\})$/,
    'expected a number such as +14155550123, or a variable such as {manager}',
  );

/** Connects the caller with a person. */
export const transferToolSchema = z.strictObject({
  type: z.literal('transfer_call'),
  name: nameSchema.default('transfer_call'),
  description: descriptionSchema.default(
    'Connects the caller with a person. Say that you are connecting them, before calling it.',
  ),
  targets: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(100),
        number: phoneTargetSchema,
        description: z.string().max(500).default(''),
      }),
    )
    .min(1)
    .max(20)
    .refine(
      (targets) => new Set(targets.map(({ name }) => name)).size === targets.length,
      'expected a name of its own for each target',
    ),
  /** `refer`: the carrier moves the call; `bridge`: both legs in one room; `auto`: as the trunk says. */
  method: z.enum(['auto', 'refer', 'bridge']).default('auto'),
  /** The target is told first, in private, what the agent knows; bridged only. */
  briefing: z.boolean().default(false),
  ring_timeout_s: z.number().int().min(5).max(120).default(30),
  /** Whether the caller hears ringing meanwhile. */
  ringback: z.boolean().default(true),
  filler: fillerSchema.default('One moment, I am connecting you.'),
});

const endCallSchema = z.strictObject({ type: z.literal('end_call') });

const sendDtmfSchema = z.strictObject({
  type: z.literal('send_dtmf'),
  name: nameSchema.default('send_dtmf'),
  description: descriptionSchema.default('Presses keys, such as in the menu of a phone system.'),
});

const collectDigitsSchema = z.strictObject({
  type: z.literal('collect_digits'),
  name: nameSchema.default('collect_digits'),
  description: descriptionSchema.default(
    'Waits for digits that the caller enters on the keypad. Ask for them before calling it.',
  ),
  /** Where the digits are kept for other tools. */
  variable: variableSchema.default('digits'),
  min_digits: z.number().int().min(1).max(64).default(1),
  max_digits: z.number().int().min(1).max(64).default(20),
  /** From one key to the next. */
  timeout_ms: z.number().int().min(1_000).max(60_000).default(10_000),
  /** Digits are neither on record nor told to the model: tools take them from the variable. */
  masked: z.boolean().default(true),
});

const scheduleCallbackSchema = z.strictObject({
  type: z.literal('schedule_callback'),
  name: nameSchema.default('schedule_callback'),
  description: descriptionSchema.default('Has this agent call the person again at another time.'),
  /** How far ahead. */
  max_days: z.number().int().min(1).max(365).default(30),
});

const doNotCallSchema = z.strictObject({
  type: z.literal('add_to_do_not_call'),
  name: nameSchema.default('add_to_do_not_call'),
  description: descriptionSchema.default(
    'Puts the person on the do-not-call list. Use it when they ask not to be called again.',
  ),
});

const setVariableSchema = z.strictObject({
  type: z.literal('set_variable'),
  name: nameSchema.default('set_variable'),
  description: descriptionSchema.default('Notes something that you have learned in the talk.'),
  /** The variables that may be set. */
  variables: z.array(variableSchema).min(1).max(50),
});

export const toolSchema = z.discriminatedUnion('type', [
  httpToolSchema,
  transferToolSchema,
  endCallSchema,
  sendDtmfSchema,
  collectDigitsSchema,
  scheduleCallbackSchema,
  doNotCallSchema,
  setVariableSchema,
]);

/** What the agent can do besides speaking. `end_call` is always there. */
export const toolsSchema = z
  .array(toolSchema)
  .max(40)
  .superRefine((tools, ctx) => {
    const seen = new Set<string>();
    for (const [index, tool] of tools.entries()) {
      const name = toolName(tool);
      if (name === 'end_call' && tool.type !== 'end_call') {
        ctx.addIssue({ code: 'custom', path: [index, 'name'], message: 'end_call is built in' });
      } else if (seen.has(name)) {
        ctx.addIssue({ code: 'custom', path: [index, 'name'], message: `${name} is there twice` });
      }
      seen.add(name);
    }
  });

export type ToolConfig = z.output<typeof toolSchema>;
export type HttpToolConfig = z.output<typeof httpToolSchema>;
export type TransferToolConfig = z.output<typeof transferToolSchema>;

/** The name that the model calls a tool by. */
export function toolName(tool: ToolConfig): string {
  return tool.type === 'end_call' ? 'end_call' : tool.name;
}
