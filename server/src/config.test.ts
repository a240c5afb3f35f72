import os from 'node:os';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, environmentSchema, readConfig } from './config.ts';

const page = new URL('../../docs/reference/configuration.md', import.meta.url);

function complaintOf(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no complaint';
}

/** Rows of the server's tables: variable, default, meaning. */
async function documented(): Promise<Map<string, string>> {
  const [text = ''] = (await readFile(page, 'utf8')).split('\n## Read by the command line');
  const rows = text.matchAll(/^\| `([A-Z][A-Z0-9_]*)` \| ([^|]*) \|/gm);
  return new Map([...rows].map(([, name = '', value = '']) => [name, value.trim()]));
}

describe('the settings', () => {
  it('are all on the page of the reference, and nothing else is', async () => {
    const names = [...(await documented()).keys()].sort();
    expect(names).toEqual(Object.keys(environmentSchema.shape).sort());
  });

  it('have the defaults that the page gives', async () => {
    const defaults: Record<string, string | number | string[] | undefined> =
      environmentSchema.parse({});
    for (const [name, value] of await documented()) {
      const actual = defaults[name];
      // What has no fixed default is told in words there.
      if (actual === undefined)
        expect([name, value]).toEqual([name, expect.not.stringMatching(/^`/)]);
      else expect([name, value]).toEqual([name, `\`${String(actual)}\``]);
    }
  });

  it('are complete where nothing is set', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 8080 },
      sip: { host: '127.0.0.1', port: 5060, advertisedHost: '127.0.0.1' },
      databaseUrl: null,
      drainTimeoutMs: 300_000,
    });
    expect([...config.roles]).toEqual(['api', 'voice', 'jobs', 'carrier']);
    expect(config.dataDir).toBe(path.resolve('data'));
    expect(config.log.destination).toBe(path.join(config.dataDir, 'trunkline.log'));
    expect(config.voice.maxCalls).toBe(config.voice.workers * 250);
  });

  it('count as unset where they are empty', () => {
    const config = readConfig({ HTTP_PORT: '', TRUNKLINE_API_KEY: '', DATABASE_URL: '' });
    expect(config).toMatchObject({ http: { port: 8080 }, apiKey: null, databaseUrl: null });
  });

  it('take what is given', () => {
    const config = readConfig({
      HTTP_PORT: '0',
      PUBLIC_IP: '203.0.113.7',
      ROLES: ' voice , jobs,',
      DRAIN_TIMEOUT_S: '5',
      VOICE_WORKERS: '2',
      MAX_CALLS: '7',
      SANDBOX: 'off',
      LOG_FILE: '-',
    });
    expect(config).toMatchObject({
      http: { port: 0 },
      sip: { advertisedHost: '203.0.113.7' },
      sandbox: { enabled: false },
      drainTimeoutMs: 5_000,
      voice: { workers: 2, maxCalls: 7 },
      log: { destination: '-' },
    });
    expect([...config.roles]).toEqual(['voice', 'jobs']);
  });
});

describe('a wildcard in SIP_HOST', () => {
  it('is never what far ends are told: it would mean hold', () => {
    const interfaces = Object.values(os.networkInterfaces()).flatMap((one) => one ?? []);
    const outside = interfaces.find((one) => !one.internal && one.family === 'IPv4')?.address;
    const environment = { SIP_HOST: '0.0.0.0' };
    if (outside === undefined) expect(complaintOf(environment)).toMatch(/^PUBLIC_IP: /);
    else expect(readConfig(environment).sip).toMatchObject({ advertisedHost: outside });
    expect(readConfig({ ...environment, PUBLIC_IP: '203.0.113.7' }).sip).toMatchObject({
      host: '0.0.0.0',
      advertisedHost: '203.0.113.7',
    });
  });
});

describe('a setting that cannot be used', () => {
  it.each([
    [{ HTTP_PORT: 'eighty' }, 'HTTP_PORT'],
    [{ SIP_PORT: '65536' }, 'SIP_PORT'],
    [{ RTP_PORT_MIN: '-2' }, 'RTP_PORT_MIN'],
    [{ DRAIN_TIMEOUT_S: '1.5' }, 'DRAIN_TIMEOUT_S'],
    [{ VOICE_WORKERS: '0' }, 'VOICE_WORKERS'],
    [{ MAX_CALLS: '10001' }, 'MAX_CALLS'],
    [{ SANDBOX: 'maybe' }, 'SANDBOX'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ SPEECH_BACKEND: 'gpu' }, 'SPEECH_BACKEND'],
  ])('%j is refused by name', (environment, name) => {
    expect(complaintOf(environment)).toMatch(new RegExp(`^${name}: `));
  });

  it('is named with the roles that there are', () => {
    expect(complaintOf({ ROLES: 'api,singer' })).toContain('api, voice, jobs, carrier');
  });

  it('does not hide another one: each has its line', () => {
    const lines = complaintOf({ HTTP_PORT: 'x', LOG_LEVEL: 'x' }).split('\n');
    expect(lines.map((line) => line.split(':')[0])).toEqual(['HTTP_PORT', 'LOG_LEVEL']);
  });

  it('is a range of ports without a pair for a call', () => {
    expect(complaintOf({ RTP_PORT_MIN: '10000', RTP_PORT_MAX: '10001' })).toBe(
      'RTP_PORT_MIN (10000) and RTP_PORT_MAX (10001) leave no pair of ports',
    );
    expect(complaintOf({ CARRIER_RTP_PORT_MIN: '30000', CARRIER_RTP_PORT_MAX: '20000' })).toContain(
      'CARRIER_RTP_PORT_MIN',
    );
  });
});
