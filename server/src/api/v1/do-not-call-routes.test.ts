import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type Answer, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;

beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(async () => {
  await lab.close();
});

function importCsv(csv: string, query = ''): Promise<Answer> {
  return lab.send('POST', `/v1/do-not-call/import${query}`, csv, {
    authorization: `Bearer ${lab.key}`,
    'content-type': 'text/csv',
  });
}

describe('/v1/do-not-call', () => {
  it('adds a number once, shows it and takes it off', async () => {
    const number = '+14155550123';
    const first = await lab.send('POST', '/v1/do-not-call', { number: '+1 (415) 555-0123' });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ number, list: 'workspace', source: 'api', call_id: null });
    expect((await lab.send('POST', '/v1/do-not-call', { number })).status).toBe(200);
    for (const path of ['+14155550123', '%2B14155550123', '14155550123']) {
      expect((await lab.send('GET', `/v1/do-not-call/${path}`)).status, path).toBe(200);
    }
    const foreign = { authorization: `Bearer ${lab.otherKey}` };
    const other = await lab.send('GET', `/v1/do-not-call/${number}`, undefined, foreign);
    expect(other.status).toBe(404);
    expect((await lab.send('DELETE', `/v1/do-not-call/${number}`)).status).toBe(204);
    expect((await lab.send('DELETE', `/v1/do-not-call/${number}`)).status).toBe(404);
  });

  it('refuses what is no number', async () => {
    const { status, body } = await lab.send('POST', '/v1/do-not-call', { number: 'Maria' });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { code: 'invalid_number' } });
  });

  it('pages by number', async () => {
    await importCsv('+14155550101\n+14155550102\n+14155550103\n');
    const first = await lab.send('GET', '/v1/do-not-call?limit=2');
    const page = first.body as { data: { number: string }[]; next_cursor: string };
    expect(page.data.map(({ number }) => number)).toEqual(['+14155550101', '+14155550102']);
    const next = await lab.send(
      'GET',
      `/v1/do-not-call?limit=2&cursor=${encodeURIComponent(page.next_cursor)}`,
    );
    expect(next.body).toMatchObject({ data: [{ number: '+14155550103' }], next_cursor: null });
  });
});

describe('/v1/do-not-call/import', () => {
  it('reads a header, keeps notes and names the lines that it leaves out', async () => {
    const csv =
      '\uFEFFname,phone,note\nMaria,+14155550151,by mail\nJo,12,\n"Li, Wei",+14155550152,\n';
    const { status, body } = await importCsv(csv);
    expect(status).toBe(200);
    expect(body).toMatchObject({ list: 'workspace', rows: 3, added: 2, invalid: 1 });
    expect((body as { errors: unknown[] }).errors).toEqual([
      { row: 3, problem: 'expected a number in E.164 form, such as +14155550123' },
    ]);
    const { body: found } = await lab.send('GET', '/v1/do-not-call/+14155550151');
    expect(found).toMatchObject({ data: [{ source: 'import', note: 'by mail' }] });
  });

  it('counts what was listed, and replaces a registry as a whole', async () => {
    const query = '?list=ftc&kind=registry&country=US';
    const first = await importCsv('4155550161\n(415) 555-0162\n4155550161\n', query);
    expect(first.body).toMatchObject({ rows: 3, added: 2, already_listed: 1, invalid: 0 });
    const second = await importCsv('4155550163\n', `${query}&replace=true`);
    expect(second.body).toMatchObject({ added: 1 });
    const { body } = await lab.send('GET', '/v1/do-not-call/lists');
    expect((body as { data: object[] }).data).toContainEqual(
      expect.objectContaining({ id: 'ftc', kind: 'registry', country: 'US', numbers: 1 }),
    );
  });

  it('refuses a registry of no country, a broken file and JSON', async () => {
    expect((await importCsv('+14155550101', '?list=mine&kind=registry')).status).toBe(400);
    const broken = await importCsv('number\n"+14155550101\n');
    expect(broken.status).toBe(400);
    expect(broken.text).toContain('CSV');
    const quoted = await importCsv('{"number": 1}\n');
    expect([quoted.status, quoted.text]).toEqual([400, expect.stringContaining('no CSV')]);
    const json = await lab.send('POST', '/v1/do-not-call/import', { number: 1 });
    expect(json.status).toBe(400);
  });

  it('leaves all other routes to JSON, and files beyond 8 MiB outside', async () => {
    const csv = { authorization: `Bearer ${lab.key}`, 'content-type': 'text/csv' };
    expect((await lab.send('POST', '/v1/do-not-call', '+14155550101', csv)).status).toBe(415);
    expect((await importCsv('1'.repeat(9 << 20))).status).toBe(413);
  });

  it('reads 50,000 numbers', async () => {
    const csv = Array.from({ length: 50_000 }, (_row, n) => `+1415${5_000_000 + n}`).join('\n');
    const { body } = await importCsv(csv, '?list=big&kind=campaign');
    expect(body).toMatchObject({ rows: 50_000, added: 50_000, invalid: 0 });
  });
});
