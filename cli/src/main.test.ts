import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type ApiServer } from '../../server/src/api/api-server.ts';
import { openApiLab, type ApiLab } from '../../server/src/api/testing/api-lab.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const TO = '+15005550101';

let lab: ApiLab;
let api: ApiServer;
let folder: string;
beforeAll(async () => {
  lab = await openApiLab();
  api = await startApi(lab.context, { host: '127.0.0.1', port: 0 });
  folder = await mkdtemp(path.join(tmpdir(), 'trunkline-cli-'));
});
afterAll(async () => {
  await api.close();
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  child: ChildProcess;
  out: string;
  err: string;
  /** Resolves when so much was printed. */
  printed(text: string): Promise<void>;
  exit: Promise<number | null>;
}

/** Runs the command line as a shell would. */
function start(args: string[], environment: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: {
      TRUNKLINE_URL: `http://127.0.0.1:${api.port}`,
      TRUNKLINE_API_KEY: lab.key,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const waiting: { text: string; resolve: () => void }[] = [];
  const run: Run = {
    child,
    out: '',
    err: '',
    printed: (text) =>
      run.out.includes(text)
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ text, resolve })),
    exit: new Promise((resolve) => child.once('close', resolve)),
  };
  child.stdout?.on('data', (data: Buffer) => {
    run.out += data.toString();
    for (const one of waiting) if (run.out.includes(one.text)) one.resolve();
  });
  child.stderr?.on('data', (data: Buffer) => {
    run.err += data.toString();
  });
  return run;
}

async function finish(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ out: string; err: string; code: number | null }> {
  const run = start(args, environment);
  const code = await run.exit;
  return { out: run.out, err: run.err, code };
}

function idIn(text: string): string {
  const [id] = /call_[0-9a-z]{26}/.exec(text) ?? [];
  if (id === undefined) throw new Error(`expected the id of a call, got ${text}`);
  return id;
}

describe('trunkline call', () => {
  it('follows a call with both sides’ words, latencies and a summary, in 80 columns', async () => {
    const run = start(['call', TO, '--watch', '--var', 'name=Maria=Luise']);
    await run.printed('queued');
    const id = idIn(run.out);
    await lab.happen(id, {
      type: 'call.warning',
      data: { code: 'one-way-audio', message: 'bell \u0007 and \u001b[31mred' },
    });
    await lab.playCall(id);
    expect(await run.exit).toBe(0);
    expect(run.err).toBe('');
    const lines = run.out.trimEnd().split('\n');
    const body = lines.map((line) => line.replace(/^ +\d+\.\ds {2}/, '_ '));
    expect(body).toEqual([
      `${id}  +15005550199 -> +15005550101`,
      '_ queued',
      '_ warning: bell   and  [31mred',
      '_ initiated',
      '_ ringing  SIP 180 Ringing',
      '_ in-progress  SIP 200 OK',
      '_ agent:  Hello Maria, this is the practice of Doctor Weber. Your',
      '                 appointment is tomorrow at ten in the morning. [cut off]',
      '_ caller: Yes, that is right.',
      '_ agent:  Thank you. Goodbye.',
      '                 after 612 ms: pause 400, stt 120, reply 2, tts 90',
      '_ call-disconnected (callee-hangup)  SIP 200 OK',
      '_ completed (callee-hangup)  SIP 200 OK',
      '',
      'status        completed (callee-hangup)',
      'ended by      callee',
      'SIP           200 OK',
      'duration      12.3 s',
      'outcome       appointment: confirmed',
      'turn latency  median 612 ms, slowest 612 ms, 1 answer',
      'cost          0.0042',
      expect.stringMatching(
        /^recording {5}http:\/\/127\.0\.0\.1:8080\/recordings\/\S+signature=\S+$/,
      ),
      `              npx trunkline calls recording ${id}`,
    ]);
    const tooLong = lines.filter((line) => line.length > 80 && !line.includes('http'));
    expect(tooLong).toEqual([]);
    expect((await lab.calls.call(id)).variables).toEqual({ name: 'Maria=Luise' });
  });

  it('prints JSON and nothing else with --json, placed or followed', async () => {
    const placed = await finish(['call', TO, '--json']);
    expect(JSON.parse(placed.out)).toMatchObject({ to: TO, status: 'queued' });
    const followed = once(api.app.websocketServer, 'connection');
    const run = start(['call', TO, '--json', '--watch', '--agent', lab.agentId]);
    await followed;
    const { data } = (await lab.send('GET', '/v1/calls?limit=1')).body as {
      data: { id: string }[];
    };
    await lab.playCall(data[0]?.id ?? '');
    expect(await run.exit).toBe(0);
    expect(JSON.parse(run.out)).toMatchObject({ status: 'completed', turns: { length: 3 } });
  });

  it('says how to follow a call that is not watched', async () => {
    const { out, code } = await finish(['call', TO, '--from', '+15005550199']);
    expect(code).toBe(0);
    expect(out).toContain(`queued; follow it with: npx trunkline calls watch ${idIn(out)}`);
  });

  it('schedules with --at', async () => {
    const at = new Date(lab.context.clock.now() + 86_400_000).toISOString();
    const { out } = await finish(['call', TO, '--at', at, '--json']);
    expect(JSON.parse(out)).toMatchObject({ status: 'scheduled' });
  });

  it('says in one sentence what is wrong, and exits with 1', async () => {
    for (const [args, sentence] of [
      [['call', '12'], "trunkline: to '12': expected a number in E.164 form, such as +14155550123"],
      [['call', TO, '--agent', 'agent_x'], 'trunkline: there is no agent agent_x'],
      [['calls', 'get', 'call_x'], 'trunkline: there is no call call_x in this workspace'],
      [['calls', 'watch', 'call_x'], 'trunkline: there is no call call_x in this workspace'],
      [['calls', 'list', '--limit', 'x'], 'trunkline: limit: invalid input'],
    ] as const) {
      const { out, err, code } = await finish([...args]);
      expect([err.trimEnd().split('\n').length, out, code]).toEqual([1, '', 1]);
      expect(err).toContain(sentence);
    }
  });

  it('says that nothing is running, or that the key is wrong', async () => {
    const away = await finish(['call', TO], { TRUNKLINE_URL: 'http://127.0.0.1:1' });
    expect(away).toEqual({
      out: '',
      err: 'trunkline: nothing answers at http://127.0.0.1:1; is Trunkline running there?\n',
      code: 1,
    });
    const wrong = await finish(['--api-key', 'tl_wrong', 'call', TO]);
    expect(wrong).toEqual({
      out: '',
      err: 'trunkline: the API key is wrong, revoked or expired\n',
      code: 1,
    });
  });

  it('leaves the call alone when Ctrl-C ends the watching, and says how to end it', async () => {
    const run = start(['call', TO, '-w']);
    await run.printed('queued');
    run.child.kill('SIGINT');
    expect(await run.exit).toBe(130);
    const id = idIn(run.out);
    expect(run.err).toBe(
      `stopped watching; the call goes on. End it with: npx trunkline hangup ${id}\n`,
    );
    expect((await lab.calls.call(id)).status).toBe('queued');
  });
});

describe('trunkline calls', () => {
  it('lists calls in columns, newest first', async () => {
    const done = await lab.placeCall();
    await lab.playCall(done);
    const queued = await lab.placeCall({ to: '+15005550102' });
    const { out, code } = await finish(['calls', 'list', '--limit', '2']);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'CALL                             WITH             STATUS',
      `${queued}  -> +15005550102  queued`,
      `${done}  -> +15005550101  completed (callee-hangup)`,
      '',
    ]);
    const none = await finish(['calls', 'list', '--status', 'busy']);
    expect(none.out).toBe('no calls with the status busy\n');
    const json = await finish(['calls', 'list', '--json', '--limit', '1']);
    expect(JSON.parse(json.out)).toMatchObject({ data: [{ id: queued }] });
  });

  it('shows one call, follows one that is over, and saves its recording', async () => {
    const id = await lab.placeCall();
    await lab.playCall(id);
    const got = await finish(['calls', 'get', id]);
    expect(got.out).toContain('\ncaller: Yes, that is right.\n');
    expect(got.out).toContain('\nstatus        completed (callee-hangup)\n');
    expect(JSON.parse((await finish(['calls', 'get', id, '--json'])).out)).toMatchObject({ id });
    const watched = await finish(['calls', 'watch', id]);
    expect(watched.out).toContain('caller: Yes, that is right.');
    const saved = await finish(['calls', 'recording', id]);
    expect(saved.out).toBe(`saved ${id}.wav (12 bytes)\n`);
    expect(await readFile(path.join(folder, `${id}.wav`), 'utf8')).toBe('RIFF----WAVE');
    const nowhere = await finish(['calls', 'recording', id, '-o', 'no/such/folder.wav']);
    expect([nowhere.code, nowhere.err.split('\n').length]).toEqual([1, 2]);
    expect(nowhere.err).toContain('the recording cannot be written');
  });

  it.each(['calls hangup', 'hangup'])('takes a queued call back: %s', async (words) => {
    const id = await lab.placeCall();
    const args = [...words.split(' '), id];
    const first = await finish(args);
    expect([first.out, first.code]).toEqual([`${id} canceled\n`, 0]);
    const second = await finish(args);
    expect([second.out, second.code]).toEqual(['', 1]);
    expect(second.err).toBe(`trunkline: call ${id} is over: its status is canceled\n`);
  });
});

describe('signing in', () => {
  it('takes the master key of the data folder where no API key is given', async () => {
    await writeFile(path.join(folder, 'master.key'), `${lab.masterKey.toString('hex')}\n`);
    const { out, code } = await finish(['--data-dir', folder, 'keys', 'create', 'mine'], {
      TRUNKLINE_API_KEY: '',
    });
    expect([code, out]).toEqual([0, expect.stringMatching(/^tl_[0-9a-f]{64}\n$/)]);
    const used = await finish(['calls', 'list'], { TRUNKLINE_API_KEY: out.trim() });
    expect(used.code).toBe(0);
  });

  it('says what to do where there is neither', async () => {
    const { err, code } = await finish(['--data-dir', '/nowhere', 'calls', 'list'], {
      TRUNKLINE_API_KEY: '',
    });
    expect(code).toBe(1);
    expect(err).toBe(
      'trunkline: /nowhere/master.key is not there. Run this in the folder where Trunkline was ' +
        'started, or set TRUNKLINE_API_KEY to your API key.\n',
    );
  });
});

describe('trunkline trunks', () => {
  it('lists trunks, tells their health, and says what is wrong with one', async () => {
    const made = await lab.send('POST', '/v1/trunks', {
      name: 'quiet',
      active: false,
      gateways: [{ host: 'gw.example', port: 5060 }],
    });
    const { id } = made.body as { id: string };
    const listed = await finish(['trunks', 'list']);
    expect(listed.out.split('\n').slice(0, 2)).toEqual([
      'TRUNK                             NAME                  GATEWAYS',
      `${id}  quiet (off)           gw.example:5060 (udp)`,
    ]);
    await lab.send('PATCH', `/v1/trunks/${id}`, { gateways: [] });
    const found = await finish(['trunks', 'diagnose', id]);
    expect(found.code).toBe(0);
    expect(found.out).toContain('The trunk is switched off  certain, trunk-inactive\n');
    expect(found.out).toContain('  seen   active is false\n');
    expect(found.out).toContain('The trunk has no gateway  certain, no-gateway\n');
    const json = await finish(['trunks', 'diagnose', id, '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ findings: [{ code: 'trunk-inactive' }, {}] });
    const health = await finish(['trunks', 'health', id]);
    expect(health.out).toBe(
      'nothing is known: the trunk neither registers nor is asked by OPTIONS\n',
    );
    const none = await finish(['trunks', 'health', 'trunk_none']);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('there is no trunk')]);
  });

  it('shows no SIP message of a call that had none', async () => {
    const { out } = await finish(['calls', 'sip', await lab.placeCall()]);
    expect(out).toBe('no SIP message is kept of this call\n');
  });
});

describe('help', () => {
  it('fits into 80 columns and exits with 0', async () => {
    for (const args of [
      [],
      ['call'],
      ['calls'],
      ['calls', 'list'],
      ['hangup'],
      ['keys'],
      ['trunks'],
    ]) {
      const { out, err, code } = await finish([...args, '--help']);
      expect([err, code]).toEqual(['', 0]);
      expect(out).toContain(`Usage: ${['trunkline', ...args].join(' ')}`);
      expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it('is offered where a command is wrong', async () => {
    const { err, code } = await finish(['cal']);
    expect(code).toBe(1);
    expect(err).toContain("unknown command 'cal'");
    expect(err).toContain('Add --help');
  });
});
