import { BUILT_IN_GLOBALS, BUILT_IN_INTENTS, REQUIRED_GLOBALS } from './built-in-intents.ts';

/** What of a script is cross-checked. */
export interface CheckedScript {
  start: string;
  states: Record<string, CheckedState>;
  intents: Record<string, { patterns: string[] }>;
  globals: Record<string, CheckedGlobal | null>;
  fallback?: string | undefined;
}

interface CheckedState {
  say?: string | string[] | undefined;
  expects: Record<string, string | { next: string }>;
  slot?:
    { type: string; next: string; length?: number | undefined; require_time: boolean } | undefined;
  dtmf: Record<string, string | { intent: string }>;
  fallback?: string | undefined;
  end?: object | undefined;
}

interface CheckedGlobal {
  say?: string | string[] | undefined;
  next?: string | undefined;
  end?: object | undefined;
  afterwards?: string | undefined;
}

export interface ScriptProblem {
  path: (string | number)[];
  message: string;
}

interface Edge {
  path: string[];
  to: string;
}

const MAX_STATES = 200;
const MAX_INTENTS = 200;

/** Problems of a script that only show when its parts are seen together; empty: none. */
export function checkScript(script: CheckedScript): ScriptProblem[] {
  const problems: ScriptProblem[] = [];
  if (Object.keys(script.states).length > MAX_STATES) {
    problems.push({ path: ['states'], message: `a script has at most ${MAX_STATES} states` });
  }
  if (Object.keys(script.intents).length > MAX_INTENTS) {
    problems.push({ path: ['intents'], message: `a script has at most ${MAX_INTENTS} intents` });
  }
  problems.push(...checkIntents(script), ...checkGlobals(script));
  for (const [name, state] of Object.entries(script.states)) {
    problems.push(...checkState(script, name, state));
  }
  const unknown = [
    ...rootEdges(script),
    ...Object.keys(script.states).flatMap((name) => edgesOf(script, name)),
  ]
    .filter((edge) => !Object.hasOwn(script.states, edge.to))
    .map((edge) => ({ path: edge.path, message: `there is no state named '${edge.to}'` }));
  problems.push(...unknown);
  // Reachability of a graph with dangling edges would only repeat the errors above.
  return unknown.length > 0 ? problems : [...problems, ...checkReachability(script)];
}

function checkIntents(script: CheckedScript): ScriptProblem[] {
  return Object.entries(script.intents).flatMap(([name, intent]) =>
    intent.patterns.flatMap((pattern, index) => {
      const message = patternProblem(pattern);
      return message === null ? [] : [{ path: ['intents', name, 'patterns', index], message }];
    }),
  );
}

function patternProblem(pattern: string): string | null {
  try {
    // Compiled for its errors only.
    void new RegExp(pattern, 'iu');
  } catch (error) {
    return `is not a regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
  // `(a+)+` takes exponential time on text that does not match, on the thread that carries audio.
  if (/\([^()]*[+*}][^()]*\)[+*{]/.test(pattern)) {
    return 'repeats a group that repeats inside: this can take for ever';
  }
  return null;
}

function checkGlobals(script: CheckedScript): ScriptProblem[] {
  const problems: ScriptProblem[] = [];
  for (const [name, global] of Object.entries(script.globals)) {
    const path = ['globals', name];
    if (!isKnownIntent(script, name)) {
      problems.push({ path, message: `there is no intent named '${name}'` });
    }
    if (global === null) {
      if (REQUIRED_GLOBALS.includes(name)) {
        problems.push({
          path,
          message: `'${name}' can be worded differently but not switched off`,
        });
      }
      continue;
    }
    const ways = [global.next, global.end, global.afterwards].filter((way) => way !== undefined);
    if (ways.length > 1) {
      problems.push({ path, message: "has more than one of 'next', 'end' and 'afterwards'" });
    }
    if (name === 'are-you-a-robot' && global.say === undefined) {
      problems.push({ path, message: "needs 'say': a caller who asks gets an honest answer" });
    }
  }
  return problems;
}

function checkState(script: CheckedScript, name: string, state: CheckedState): ScriptProblem[] {
  const problems: ScriptProblem[] = [];
  const path = ['states', name];
  const listens = Object.keys(state.expects).length > 0 || state.slot !== undefined;
  if (state.end !== undefined && listens) {
    problems.push({ path, message: "ends the call, so it cannot have 'expects' or 'slot'" });
  }
  if (state.end === undefined && !listens) {
    problems.push({
      path,
      message: "has none of 'expects', 'slot' and 'end': the call would get stuck",
    });
  }
  if (state.end === undefined && state.say === undefined) {
    problems.push({ path, message: "needs 'say': the caller has to be asked something" });
  }
  for (const intent of Object.keys(state.expects)) {
    if (!isKnownIntent(script, intent)) {
      problems.push({
        path: [...path, 'expects', intent],
        message: `there is no intent named '${intent}'`,
      });
    }
  }
  for (const [key, value] of Object.entries(state.dtmf)) {
    const intent = typeof value === 'string' ? value : value.intent;
    if (!isKnownIntent(script, intent)) {
      problems.push({
        path: [...path, 'dtmf', key],
        message: `there is no intent named '${intent}'`,
      });
    } else if (!Object.hasOwn(state.expects, intent) && !isGlobal(script, intent)) {
      problems.push({
        path: [...path, 'dtmf', key],
        message: `'${intent}' is neither expected in this state nor global`,
      });
    }
  }
  if (state.slot?.length !== undefined && state.slot.type !== 'digits') {
    problems.push({
      path: [...path, 'slot', 'length'],
      message: "belongs to slots of type 'digits'",
    });
  }
  if (state.slot?.require_time === true && state.slot.type !== 'date') {
    problems.push({
      path: [...path, 'slot', 'require_time'],
      message: "belongs to slots of type 'date'",
    });
  }
  return problems;
}

function isKnownIntent(script: CheckedScript, name: string): boolean {
  return Object.hasOwn(script.intents, name) || Object.hasOwn(BUILT_IN_INTENTS, name);
}

function isGlobal(script: CheckedScript, name: string): boolean {
  if (Object.hasOwn(script.globals, name)) return script.globals[name] !== null;
  return Object.hasOwn(BUILT_IN_GLOBALS, name);
}

/** Ways into the graph: the start and everything that can happen in any state. */
function rootEdges(script: CheckedScript): Edge[] {
  const edges: Edge[] = [{ path: ['start'], to: script.start }];
  for (const [name, global] of Object.entries(script.globals)) {
    if (global?.next !== undefined)
      edges.push({ path: ['globals', name, 'next'], to: global.next });
  }
  if (script.fallback !== undefined) edges.push({ path: ['fallback'], to: script.fallback });
  return edges;
}

function edgesOf(script: CheckedScript, name: string): Edge[] {
  const state = script.states[name];
  if (state === undefined) return [];
  const path = ['states', name];
  const edges = Object.entries(state.expects).map(([intent, transition]): Edge =>
    typeof transition === 'string'
      ? { path: [...path, 'expects', intent], to: transition }
      : { path: [...path, 'expects', intent, 'next'], to: transition.next },
  );
  if (state.slot) edges.push({ path: [...path, 'slot', 'next'], to: state.slot.next });
  if (state.fallback !== undefined) edges.push({ path: [...path, 'fallback'], to: state.fallback });
  return edges;
}

function checkReachability(script: CheckedScript): ScriptProblem[] {
  const reachable = new Set<string>();
  const waiting = rootEdges(script).map((edge) => edge.to);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reachable.has(name)) continue;
    reachable.add(name);
    waiting.push(...edgesOf(script, name).map((edge) => edge.to));
  }
  const problems: ScriptProblem[] = [];
  const ending = statesThatCanEnd(script);
  for (const name of Object.keys(script.states)) {
    if (!reachable.has(name)) {
      problems.push({ path: ['states', name], message: 'no state leads here' });
    } else if (!ending.has(name)) {
      problems.push({
        path: ['states', name],
        message: "no way leads from here to a state with 'end'",
      });
    }
  }
  return problems;
}

function statesThatCanEnd(script: CheckedScript): Set<string> {
  const ending = new Set<string>();
  for (let grew = true; grew;) {
    grew = false;
    for (const [name, state] of Object.entries(script.states)) {
      const ends =
        state.end !== undefined || edgesOf(script, name).some((edge) => ending.has(edge.to));
      if (ends && !ending.has(name)) {
        ending.add(name);
        grew = true;
      }
    }
  }
  return ending;
}
