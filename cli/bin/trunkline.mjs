#!/usr/bin/env node
// Runs the command line on a Node that reads TypeScript, whatever Node started this file.
import path from 'node:path';
import { become, fail, nodeBinary, prepare, root } from '../../tools/node-runtime.mjs';

prepare().then(
  () => become(nodeBinary(), [path.join(root, 'cli/src/main.ts'), ...process.argv.slice(2)]),
  fail,
);
