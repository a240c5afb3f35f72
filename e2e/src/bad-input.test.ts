import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventOf, finalCall, startProgram, type Program } from './harness/program.ts';

let program: Program;

beforeAll(async () => {
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
});

interface ErrorBody {
  error: { code: string; message: string; details: { field: string }[] };
}

describe('POST /v1/calls refuses', () => {
  const to = '+15005550101';
  it.each([
    ['an unknown agent', { to, agent_id: 'agent_nobody' }, 404, 'agent_not_found', /agent_nobody/],
    [
      'a from-number of no active trunk',
      { to, from: '+14155550000' },
      403,
      'guardrail',
      /\+14155550000/,
    ],
    ['a number that is not E.164', { to: '0171 234' }, 400, 'invalid_number', /0171 234/],
    ['a number without its plus', { to: '15005550101' }, 400, 'invalid_number', /15005550101/],
    ['a missing number', {}, 400, 'invalid_request', /to/],
    ['an unknown field', { to, speed: 2 }, 400, 'invalid_request', /unknown field 'speed'/],
    ['variables that are no object', { to, variables: 'a' }, 400, 'invalid_request', /variables/],
    [
      'a variable whose name no template can write',
      { to, variables: { '{a}': 1 } },
      400,
      'invalid_request',
      /without braces, got '\{a\}'/,
    ],
  ])('%s', async (_name, body, status, code, message) => {
    const response = await program.fetch('POST', '/v1/calls', { body: JSON.stringify(body) });
    const { error } = response.body as ErrorBody;
    expect({ status: response.status, code: error.code }).toEqual({ status, code });
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/\n/);
  });

  it('broken JSON', async () => {
    const response = await program.fetch('POST', '/v1/calls', { body: '{"to": "+1500' });
    expect(response.status).toBe(400);
    expect((response.body as ErrorBody).error.code).toBe('invalid_json');
  });

  it.each([
    ['a missing key', null],
    ['a wrong key', 'tl_wrong'],
  ])('%s', async (_name, key) => {
    const response = await program.fetch('POST', '/v1/calls', { body: '{}', key });
    expect(response.status).toBe(401);
    expect((response.body as ErrorBody).error.code).toBe('unauthorized');
  });
});

it('a call that does not exist is 404, for its feed as well', async () => {
  expect((await program.fetch('GET', '/v1/calls/call_none')).status).toBe(404);
  await expect(eventOf(program, 'call_none', () => true)).rejects.toThrow();
});

it('an unknown path is 404 and a wrong method 405', async () => {
  expect((await program.fetch('GET', '/v1/nothing')).status).toBe(404);
  expect((await program.fetch('DELETE', '/v1/calls')).status).toBe(405);
});

describe('garbage', () => {
  it('on the SIP and RTP ports is ignored and counted, and the call goes on', async () => {
    const placed = await program.client.placeCall({ to: '+15005550101' });
    await eventOf(program, placed.id, (type) => type === 'call.answered');
    const socket = dgram.createSocket('udp4');
    for (let i = 0; i < 200; i++) {
      const bytes = randomBytes(1 + (i % 400));
      socket.send(bytes, program.sipPort, '127.0.0.1');
      for (let port = program.rtpPortMin; port < program.rtpPortMin + 10; port++) {
        socket.send(bytes, port, '127.0.0.1');
      }
    }
    socket.send('INVITE sip:x SIP/2.0\r\nVia: broken\r\n\r\n', program.sipPort, '127.0.0.1');
    const tcp = net.connect(program.sipPort, '127.0.0.1');
    tcp.on('error', () => undefined);
    tcp.write(randomBytes(5_000));
    const call = await finalCall(program, placed.id);
    socket.close();
    tcp.destroy();
    expect(call).toMatchObject({ status: 'completed', outcome: { outcome: 'confirmed' } });
    const value = async (name: string): Promise<number> => {
      const metrics = await (await fetch(`${program.url}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
    };
    await expect.poll(() => value('trunkline_sip_garbage_received_total')).toBeGreaterThan(50);
    await expect.poll(() => value('trunkline_rtp_invalid_received_total')).toBeGreaterThan(50);
  });
});
