// The checks and tests, one after the other, and a last line that says how many passed.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { nodeBinary, root, runToEnd } from './node-runtime.mjs';

const PEERS = [
  { program: 'sipp', debianPackage: 'sip-tester' },
  { program: 'baresip', debianPackage: 'baresip-core' },
  { program: 'kamailio', debianPackage: 'kamailio' },
];

const CHECKS = [
  {
    name: 'format',
    script: 'prettier/bin/prettier.cjs',
    // What was checked before and has not changed since is not read again.
    args: ['--check', '--log-level=warn', '--cache', '--cache-strategy=content', '.'],
  },
  { name: 'lint', script: 'oxlint/bin/oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'types', script: 'typescript/bin/tsc', args: ['-p', 'tsconfig.json'] },
];

function runScript(script, args) {
  return runToEnd(nodeBinary(), [path.join(root, 'node_modules', script), ...args]);
}

function headline(text) {
  process.stdout.write(`\n== ${text}\n`);
}

/** Runs what is asked for; resolves with the exit code after the last line is printed. */
export async function runTests({ checks, unit, e2e, args }) {
  const total = { passed: 0, failed: 0, failures: [], notRun: [] };
  if (checks) {
    for (const check of CHECKS) {
      headline(check.name);
      const code = await runScript(check.script, check.args);
      count(total, check.name, code === 0);
      if (code === 0) process.stdout.write(`${check.name}: ok\n`);
    }
  }
  if (unit) await runVitest(total, 'unit tests', [], args);
  if (e2e) await runE2e(total, args);
  report(total);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function count(total, name, passed) {
  if (passed) {
    total.passed += 1;
  } else {
    total.failed += 1;
    total.failures.push(name);
  }
}

async function runE2e(total, args) {
  const folder = path.join(root, 'e2e', 'src');
  const config = path.join(root, 'e2e', 'vitest.config.ts');
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
    : [];
  if (files.length === 0 || !existsSync(config)) return;
  await runVitest(total, 'end-to-end tests', ['--config', config], args);
}

async function runVitest(total, title, options, args) {
  headline(title);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trunkline-results-'));
  const file = path.join(folder, 'results.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await runScript('vitest/vitest.mjs', [
      'run',
      ...options,
      ...reporters,
      '--passWithNoTests',
      ...args,
    ]);
    addResults(total, title, code, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function addResults(total, title, code, file) {
  const failedBefore = total.failed;
  try {
    const results = JSON.parse(readFileSync(file, 'utf8'));
    for (const suite of results.testResults) addSuite(total, suite);
  } catch (error) {
    count(total, `${title}: no results (${error.message})`, false);
  }
  // An error outside any test, or a worker that died, fails the run without failing a test.
  if (code !== 0 && total.failed === failedBefore)
    count(total, `${title}: vitest ended with ${code}`, false);
}

function addSuite(total, suite) {
  const name = path.relative(root, suite.name);
  const of = (status) => suite.assertionResults.filter((test) => test.status === status);
  total.passed += of('passed').length;
  for (const test of of('failed')) count(total, `${name}: ${test.fullName}`, false);
  if (suite.status === 'failed' && of('failed').length === 0)
    count(total, `${name} did not load`, false);
  const skipped = suite.assertionResults.length - of('passed').length - of('failed').length;
  if (skipped > 0)
    total.notRun.push(`${name} (${skipped} of ${suite.assertionResults.length} tests)`);
}

function isOnPath(program) {
  const folders = [
    ...(process.env.PATH || '').split(path.delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
  ];
  return folders.some((folder) => folder && existsSync(path.join(folder, program)));
}

function report(total) {
  const missing = PEERS.filter((peer) => !isOnPath(peer.program));
  const lines = [];
  for (const name of total.failures) lines.push(`FAILED   ${name}`);
  for (const name of total.notRun) lines.push(`NOT RUN  ${name}`);
  if (total.notRun.length > 0 && missing.length > 0) {
    lines.push(
      `NOT RUN  because ${missing.map((peer) => peer.program).join(', ')} is not installed; on Debian:`,
      `         apt-get install -y --no-install-recommends ${missing.map((peer) => peer.debianPackage).join(' ')}`,
    );
  }
  if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
}
