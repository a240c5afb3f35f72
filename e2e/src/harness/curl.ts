import { execFile } from 'node:child_process';
import type { Program } from './program.ts';

/** What a sample's curl printed. */
export interface CurlAnswer {
  status: number;
  body: unknown;
}

/**
 * Runs a curl command of a vendor's documentation in a shell, as it is written there but for host and
 * key. `values` are what stands for its placeholders, such as `<agent-id>`.
 */
export function runSample(
  program: Program,
  sample: string,
  values: Record<string, string> = {},
): Promise<CurlAnswer> {
  let command = sample
    .replaceAll('https://api.bolna.ai', program.url)
    .replaceAll('<your-bolna-api-key>', program.apiKey);
  for (const [placeholder, value] of Object.entries(values)) {
    command = command.replaceAll(placeholder, value);
  }
  return new Promise((resolve, reject) => {
    const text = `${command} -s -w '\\n%{http_code}'`;
    execFile('bash', ['-c', text], { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error) return reject(new Error(`${command}\n${stderr}`, { cause: error }));
      const end = stdout.lastIndexOf('\n');
      const body = stdout.slice(0, end);
      resolve({
        status: Number(stdout.slice(end + 1)),
        body: body === '' ? null : (JSON.parse(body) as unknown),
      });
    });
  });
}
