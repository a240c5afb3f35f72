import type { Clock } from '../../shared/clock.ts';
import { renderVariables } from '../variables.ts';
import { failed, told, type CallTool } from './call-tool.ts';
import type { CallVariables } from './call-variables.ts';
import type { ToolHost } from './tool-host.ts';
import type { ToolConfig, TransferToolConfig } from './tool-schema.ts';

export interface BuiltInOptions {
  host: ToolHost | null;
  variables: CallVariables;
  clock: Clock;
}

type Of<Type extends ToolConfig['type']> = Extract<ToolConfig, { type: Type }>;

const NO_HOST = 'This cannot be done in this call.';
const NUMBER = /^\+[1-9]\d{6,14}$/;

/** Connects the caller with one of the people that the agent's author named, nobody else. */
export function transferTool(
  config: TransferToolConfig,
  { host, variables }: BuiltInOptions,
): CallTool {
  const names = config.targets.map(({ name }) => name);
  const list = config.targets
    .map(({ name, description }) => (description === '' ? name : `${name} (${description})`))
    .join('; ');
  return {
    kind: config.type,
    definition: {
      name: config.name,
      description: `${config.description} Targets: ${list}.`,
      parameters: {
        type: 'object',
        properties: {
          target: { type: 'string', enum: names, description: 'Whom to connect with.' },
          ...(config.briefing && {
            summary: {
              type: 'string',
              description: 'What the person should know before, in two sentences.',
            },
          }),
        },
        required: [
          ...(names.length > 1 ? ['target'] : []),
          ...(config.briefing ? ['summary'] : []),
        ],
      },
    },
    filler: config.filler,
    async run(args, { over }) {
      const target = config.targets.find(({ name }) => name === (args['target'] ?? names[0]));
      const to =
        target && renderVariables(target.number, variables.all).text.replace(/[\s().-]/g, '');
      if (!host || to === undefined) return failed('refused', NO_HOST);
      if (!NUMBER.test(to)) {
        return failed('refused', 'There is no number of that person.', 'the target has no number');
      }
      const summary = args['summary'];
      const answer = await host.transfer(
        {
          to,
          method: config.method,
          ringTimeoutMs: config.ring_timeout_s * 1_000,
          ringback: config.ringback,
          briefing: config.briefing && typeof summary === 'string' ? summary.slice(0, 1_000) : null,
        },
        over,
      );
      if (answer.type === 'connected') {
        return { content: 'The caller is connected.', parts: [], goOn: false };
      }
      const content = `The caller could not be connected: ${answer.message}. Tell them, and go on.`;
      return failed('failed', content, answer.reason);
    },
  };
}

export function sendDtmfTool(config: Of<'send_dtmf'>): CallTool {
  return {
    kind: config.type,
    definition: {
      name: config.name,
      description: config.description,
      parameters: {
        type: 'object',
        properties: {
          digits: {
            type: 'string',
            minLength: 1,
            maxLength: 64,
            description: 'Keys to press: 0-9, *, #, A-D; w waits half a second.',
          },
        },
        required: ['digits'],
        additionalProperties: false,
      },
    },
    run(args) {
      const digits = String(args['digits']).replace(/[\s-]/g, '');
      if (!/^[0-9A-Da-d*#wW]{1,64}$/.test(digits)) {
        const problem = 'digits: expected 0-9, A-D, *, # and w only';
        return Promise.resolve(failed('invalid-arguments', problem));
      }
      const keys = digits.toUpperCase().replaceAll('W', 'w');
      const parts = [{ type: 'dtmf' as const, digits: keys }];
      return Promise.resolve({ content: 'The keys were pressed.', parts, goOn: false });
    },
  };
}

export function collectDigitsTool(
  config: Of<'collect_digits'>,
  { host, variables }: BuiltInOptions,
): CallTool {
  const { variable, masked } = config;
  return {
    kind: config.type,
    definition: {
      name: config.name,
      description: config.description,
      parameters: { type: 'object', properties: {}, additionalProperties: false },
    },
    async run(_args, { over, interrupted }) {
      if (!host) return failed('refused', NO_HOST);
      const digits = await host.collectDigits({
        minDigits: config.min_digits,
        maxDigits: config.max_digits,
        timeoutMs: config.timeout_ms,
        masked,
        signal: AbortSignal.any([over, interrupted]),
      });
      if (digits.length < config.min_digits) {
        if (over.aborted) return failed('canceled', 'The call is over.');
        return interrupted.aborted
          ? failed('interrupted', 'The caller spoke instead of entering digits.')
          : failed('timeout', `The caller entered ${digits.length} digits, too few.`);
      }
      variables.set(variable, digits, { masked });
      return told(
        masked
          ? `The caller entered ${digits.length} digits. They are kept in {${variable}} for other tools and are not shown.`
          : `The caller entered: ${digits}`,
      );
    },
  };
}

export function scheduleCallbackTool(
  config: Of<'schedule_callback'>,
  { host, clock, variables }: BuiltInOptions,
): CallTool {
  const zone = variables.all['timezone'] ?? 'UTC';
  return {
    kind: config.type,
    definition: {
      name: config.name,
      description: `${config.description} Give in_minutes or at; local times are in ${zone}.`,
      parameters: {
        type: 'object',
        properties: {
          at: { type: 'string', description: 'Date and time, such as 2026-11-24T15:30.' },
          in_minutes: { type: 'integer', minimum: 1, maximum: 525_600 },
        },
        additionalProperties: false,
      },
    },
    async run(args) {
      if (!host) return failed('refused', NO_HOST);
      const { at, in_minutes: minutes } = args;
      const wanted =
        typeof minutes === 'number'
          ? new Date(clock.now() + minutes * 60_000).toISOString()
          : typeof at === 'string'
            ? at.trim().slice(0, 64)
            : null;
      if (wanted === null) return failed('invalid-arguments', 'expected at or in_minutes');
      const answer = await host.scheduleCallback({ at: wanted, maxDays: config.max_days });
      return answer.type === 'scheduled'
        ? told(`The person is called again at ${answer.at}.`)
        : failed('refused', `No call was scheduled: ${answer.message}`);
    },
  };
}

export function doNotCallTool(
  config: Of<'add_to_do_not_call'>,
  { host }: BuiltInOptions,
): CallTool {
  return {
    kind: config.type,
    definition: {
      name: config.name,
      description: config.description,
      parameters: { type: 'object', properties: {}, additionalProperties: false },
    },
    async run() {
      if (!host) return failed('refused', NO_HOST);
      await host.doNotCall();
      return told('The number is on the do-not-call list.');
    },
  };
}

export function setVariableTool(
  config: Of<'set_variable'>,
  { variables }: BuiltInOptions,
): CallTool {
  return {
    kind: config.type,
    definition: {
      name: config.name,
      description: config.description,
      parameters: {
        type: 'object',
        properties: {
          name: { type: 'string', enum: config.variables },
          value: { type: 'string', maxLength: 2_000 },
        },
        required: ['name', 'value'],
        additionalProperties: false,
      },
    },
    run(args) {
      variables.set(String(args['name']), String(args['value']));
      return Promise.resolve(told('Noted.'));
    },
  };
}
