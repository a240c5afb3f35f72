import type { Clock } from '../../shared/clock.ts';
import {
  collectDigitsTool,
  doNotCallTool,
  scheduleCallbackTool,
  sendDtmfTool,
  setVariableTool,
  transferTool,
} from './built-in-tools.ts';
import type { CallTool } from './call-tool.ts';
import type { CallVariables } from './call-variables.ts';
import { endCallTool } from './end-call-tool.ts';
import { httpTool } from './http-tool.ts';
import type { ToolHost } from './tool-host.ts';
import type { ToolConfig } from './tool-schema.ts';

export interface CreateToolsOptions {
  tools: readonly ToolConfig[];
  variables: CallVariables;
  /** Null: nothing that needs the call works. */
  host: ToolHost | null;
  /** The agent's own, in clear, by name. */
  secrets: Readonly<Record<string, string>>;
  clock: Clock;
}

/** What an agent can do besides speaking, `end_call` first. */
export function createTools(options: CreateToolsOptions): CallTool[] {
  const rest = options.tools.flatMap((config) => create(config, options) ?? []);
  return [endCallTool, ...rest];
}

function create(config: ToolConfig, options: CreateToolsOptions): CallTool | null {
  switch (config.type) {
    case 'http':
      return httpTool({ ...options, config, fetch: options.host?.fetch ?? null });
    case 'transfer_call':
      return transferTool(config, options);
    case 'send_dtmf':
      return sendDtmfTool(config);
    case 'collect_digits':
      return collectDigitsTool(config, options);
    case 'schedule_callback':
      return scheduleCallbackTool(config, options);
    case 'add_to_do_not_call':
      return doNotCallTool(config, options);
    case 'set_variable':
      return setVariableTool(config, options);
    case 'end_call':
      return null;
  }
}
