// npm start, npm test and the others: brings what is missing, then runs the command.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import {
  become,
  fail,
  nodeBinary,
  prepare,
  root,
  runtimeEnv,
  SetupError,
} from './node-runtime.mjs';
import { runTests } from './test-run.mjs';

const COMMANDS = {
  start: (args) =>
    become(nodeBinary(), [path.join(root, 'server/src/main.ts'), ...args], { cwd: root }),
  test: (args) => runTests({ checks: args.length === 0, unit: true, e2e: true, args }),
  check: (args) => runTests({ checks: true, unit: true, e2e: false, args }),
  e2e: (args) => runTests({ checks: false, unit: false, e2e: true, args }),
  bench: runBench,
  exec: ([program, ...args]) => {
    if (!program)
      throw new SetupError('expected a command to run, such as: exec vitest run server/src/db');
    become(program, args, { env: runtimeEnv() });
  },
};

function runBench([name, ...args]) {
  const folder = path.join(root, 'bench', 'src');
  const file = path.join(folder, `${name}.ts`);
  if (name && /^[\w-]+$/.test(name) && existsSync(file)) {
    become(nodeBinary(), [file, ...args], { cwd: root });
    return;
  }
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((one) => /^[\w-]+\.ts$/.test(one))
        .map((one) => one.slice(0, -3))
    : [];
  throw new SetupError(
    `expected the name of a benchmark: ${names.join(', ') || 'there is none yet'}`,
  );
}

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.prototype.hasOwnProperty.call(COMMANDS, name) ? COMMANDS[name] : null;
  if (!command) {
    throw new SetupError(
      `expected one of ${Object.keys(COMMANDS).join(', ')}, got ${name || 'nothing'}`,
    );
  }
  await prepare();
  const code = await command(args);
  if (typeof code === 'number') process.exit(code);
}

main().catch(fail);
