import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

/** `trunkline keys create`. */
export function addKeysCommand(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('API keys');
  keys
    .command('create')
    .description('makes an API key and shows it, this once')
    .argument('<name>', 'what it is for')
    .action(async (name: string) => {
      const { key } = await context.client().createKey(name);
      context.output.line(key);
    });
}
