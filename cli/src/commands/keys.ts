import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

/** `trunkline keys create`. */
export function addKeysCommand(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('make API keys');
  keys
    .command('create')
    .description('make an API key; it is shown this once and cannot be read again')
    .argument('<name>', 'what it is for')
    .action(async (name: string) => {
      const { key } = await context.client().createKey(name);
      context.output.line(key);
    });
}
