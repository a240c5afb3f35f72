// Finds the Node.js that runs Trunkline, and installs what is missing. Runs on Node 18 and newer.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeInstallLock } from './install-lock.mjs';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const nodeTools = path.join(root, 'tools', 'node');
const STAMP = '.trunkline-stamp';

/** A failure that is told in one sentence; its stack would help nobody. */
export class SetupError extends Error {}

/** Whether this Node runs TypeScript without a flag: 22.18, 23.6, 24 and newer. */
export function isNodeNewEnough(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/** Path of the Node to run Trunkline with; it may have to be installed first. */
export function nodeBinary() {
  if (isNodeNewEnough()) return process.execPath;
  const folder = path.join(nodeTools, 'node_modules', `node-${platformName()}-${process.arch}`);
  return path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function platformName() {
  return process.platform === 'win32' ? 'win' : process.platform;
}

/** The environment for everything that runs in the clone: our Node and our tools come first. */
export function runtimeEnv() {
  const key = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') || 'PATH';
  const folders = [path.dirname(nodeBinary()), path.join(root, 'node_modules', '.bin')];
  const value = [...folders, process.env[key]].filter(Boolean).join(path.delimiter);
  return { ...process.env, [key]: value, ONNXRUNTIME_NODE_INSTALL: 'skip' };
}

/** Installs Node and the packages when they are missing or out of date; instant when not. */
export async function prepare() {
  if (isPrepared()) return;
  let release;
  try {
    release = await takeInstallLock(path.join(root, 'tools', '.install-lock'), (pid) =>
      say(`another set-up is running here (process ${pid}); waiting for it`),
    );
    // The one that we waited for may have done it all.
    if (isPrepared()) return;
    await install();
  } catch (error) {
    throw explain(error);
  } finally {
    if (release) release();
  }
}

function isPrepared() {
  return isNodeInstalled() && hasStamp(root);
}

function isNodeInstalled() {
  return isNodeNewEnough() || (hasStamp(nodeTools) && existsSync(nodeBinary()));
}

async function install() {
  if (!isNodeInstalled()) {
    if (!isInstalled(nodeTools) || !existsSync(nodeBinary())) {
      await installFolder(nodeTools, `Node.js 24 (this is ${process.versions.node})`);
    }
    if (!existsSync(nodeBinary())) {
      throw new SetupError(
        `no Node.js 24 for ${process.platform}-${process.arch} comes with Trunkline; install Node.js 22.18 or newer and start again`,
      );
    }
    stamp(nodeTools);
  }
  if (!isInstalled(root)) await installFolder(root, 'packages');
  stamp(root);
}

function lockHash(folder) {
  return createHash('sha256')
    .update(readFileSync(path.join(folder, 'package-lock.json')))
    .digest('hex');
}

function hasStamp(folder) {
  const file = path.join(folder, 'node_modules', STAMP);
  return existsSync(file) && readFileSync(file, 'utf8') === lockHash(folder);
}

function stamp(folder) {
  writeFileSync(path.join(folder, 'node_modules', STAMP), lockHash(folder));
}

/**
 * Whether npm has already put everything in place by itself. npm writes its hidden lockfile last, so
 * an interrupted install has none.
 */
function isInstalled(folder) {
  const hidden = path.join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  try {
    const have = JSON.parse(readFileSync(hidden, 'utf8')).packages;
    const want = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')).packages;
    return Object.entries(want).every(([name, { version, link, optional, devOptional }]) => {
      if (!name.includes('node_modules/')) return true;
      if (link) return existsSync(path.join(folder, name));
      if (!have[name]) return Boolean(optional || devOptional);
      return have[name].version === version && existsSync(path.join(folder, name));
    });
  } catch {
    return false;
  }
}

function npmCommand() {
  const script = process.env.npm_execpath || '';
  if (script.endsWith('npm-cli.js') && existsSync(script)) {
    return [existsSync(nodeBinary()) ? nodeBinary() : process.execPath, [script], false];
  }
  return ['npm', [], process.platform === 'win32'];
}

/**
 * Like `npm ci`, which is too strict here: it refuses a lockfile that lacks optional packages of other
 * platforms, and npm leaves those out when the registry at hand has none. What is locked is installed
 * in that version and checked against its hash; nothing is saved.
 */
async function installFolder(folder, what) {
  removeModules(folder);
  const [npm, npmArgs, shell] = npmCommand();
  // A set-up that goes on after its parent was killed would run into the next one.
  const [program, ...args] = guarded(npm, [
    ...npmArgs,
    'install',
    '--no-save',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    // npm asks for one package after the other: more would hide a missing network for minutes.
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=500',
    '--fetch-retry-maxtimeout=2000',
  ]);
  const output = [];
  // The folder is the working directory: a `--prefix` with spaces suffers under a shell.
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...runtimeEnv(), npm_config_prefix: undefined, npm_config_local_prefix: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell,
  });
  const keep = (chunk) => {
    output.push(String(chunk));
    if (output.length > 500) output.shift();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const stopProgress = showProgress(`installing ${what}`);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(stopProgress);
  if (code !== 0) throw npmError(what, output.join(''));
}

/** One line with the elapsed seconds; on a terminal it is rewritten in place. */
function showProgress(what) {
  const startMs = Date.now();
  const seconds = () => Math.round((Date.now() - startMs) / 1000);
  const isTerminal = process.stderr.isTTY;
  say(`${what} ...`, isTerminal ? '' : '\n');
  const timer = setInterval(
    () => say(`${isTerminal ? '\r' : ''}${what} ... ${seconds()} s`, isTerminal ? '' : '\n'),
    isTerminal ? 1_000 : 10_000,
  );
  return () => {
    clearInterval(timer);
    say(`${isTerminal ? '\r' : ''}${what} took ${seconds()} s`);
  };
}

/** An interrupted install leaves half a package that npm takes for a whole one. */
function removeModules(folder) {
  const { workspaces = [] } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  for (const name of ['.', ...workspaces]) {
    rmSync(path.join(folder, name, 'node_modules'), { recursive: true, force: true });
  }
}

function npmError(what, output) {
  const url = (/request to (\S+) failed/.exec(output) ||
    /\b(https?:\/\/\S+)/.exec(output) ||
    [])[1];
  if (/ENOSPC|no space left/i.test(output)) return noSpace();
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT|network/i.test(
      output,
    )
  ) {
    return new SetupError(
      `could not fetch ${what}${url ? ` from ${url}` : ''}: the npm registry is not reachable; check the network or the proxy (npm config set proxy ...) and start again`,
    );
  }
  const said = output
    .split('\n')
    .filter((line) => /\S/.test(line))
    .slice(0, 12)
    .join('\n');
  return new SetupError(`could not install ${what}; npm said:\n${said}`);
}

function noSpace() {
  return new SetupError(`no space left on the disk of ${root}; free about 2 GB and start again`);
}

function explain(error) {
  if (error instanceof SetupError) return error;
  if (error.code === 'ENOSPC') return noSpace();
  if (['EACCES', 'EPERM', 'EROFS'].includes(error.code)) {
    return new SetupError(
      `cannot write to ${error.path || root} (${error.code}); change its owner`,
    );
  }
  if (error.code === 'ENOENT' && error.path === 'npm') {
    return new SetupError('npm was not found; install Node.js with npm and start again');
  }
  return error;
}

/** Progress goes to standard error: standard output belongs to the command. */
export function say(text, end = '\n') {
  process.stderr.write(
    `${text.startsWith('\r') ? '\r' : ''}trunkline: ${text.replace('\r', '')}${end}`,
  );
}

/** Runs a program of the clone to its end; resolves with its exit code. */
export function runToEnd(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: runtimeEnv(),
      stdio: 'inherit',
      ...options,
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ? 128 : code));
  });
}

/**
 * Becomes `program` as far as possible: signals are passed on once each, the exit code is kept.
 * A group of its own keeps the terminal's Control-C from arriving twice (twice means "at once"),
 * and where the kernel can, it ends the program when this process is killed.
 */
export function become(program, args, options = {}) {
  const [first, ...rest] = guarded(program, args);
  const child = spawn(first, rest, {
    env: runtimeEnv(),
    stdio: 'inherit',
    detached: process.platform !== 'win32',
    ...options,
  });
  const signals = process.platform === 'win32' ? [] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
  let told = false;
  for (const signal of signals) {
    process.on(signal, () => {
      told = true;
      child.kill(signal);
    });
  }
  // npm hands SIGTERM to the shell between it and us, and the shell dies of it without a word.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    if (!told) child.kill('SIGTERM');
  }, 500);
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') clearInterval(watch);
  child.once('error', (error) => fail(error));
  child.once('exit', (code, signal) => {
    clearInterval(watch);
    for (const one of signals) process.removeAllListeners(one);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code);
  });
}

/** The command line that the kernel ends when this process is killed, where the kernel can. */
function guarded(program, args) {
  const guard = ['setpriv', '--pdeathsig', 'KILL'];
  // Tried, not looked for: busybox has a setpriv without this option.
  const canGuard =
    process.platform === 'linux' &&
    spawnSync(guard[0], [...guard.slice(1), 'true'], { stdio: 'ignore' }).status === 0;
  return canGuard ? [...guard, program, ...args] : [program, ...args];
}

/** Ends this process with the reason; a `SetupError` is one sentence, anything else has a stack. */
export function fail(error) {
  const text = error instanceof SetupError ? error.message : error.stack || String(error);
  process.stderr.write(`trunkline: ${text}\n`);
  process.exit(1);
}
