export interface StatusPageData {
  version: string;
  status: string;
  checks: Record<string, boolean>;
}

/** The page at `/`: is it up, and what to try. Shows nothing of any workspace. */
export function statusPage(data: StatusPageData): string {
  const rows = Object.entries(data.checks)
    .map(
      ([name, good]) =>
        `<tr><th>${escapeHtml(name)}</th><td class="${good ? 'good' : 'bad'}">${good ? 'up' : 'down'}</td></tr>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trunkline</title>
<style>
  :root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --line: #8884; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
  h1 { font-size: 1.6rem; margin-bottom: 0; }
  table { border-collapse: collapse; margin: 1.5rem 0; width: 100%; }
  th, td { text-align: left; padding: .4rem .2rem; border-bottom: 1px solid var(--line); font-weight: normal; }
  td { text-align: right; font-weight: 600; }
  .good { color: var(--good); } .bad { color: var(--bad); }
  pre { padding: .8rem; border: 1px solid var(--line); border-radius: .4rem; overflow-x: auto; }
</style>
</head>
<body>
<h1>Trunkline</h1>
<p>Version ${escapeHtml(data.version)}, <strong class="${data.status === 'ok' ? 'good' : 'bad'}">${escapeHtml(data.status)}</strong></p>
<table>
${rows}
</table>
<p>Place a call to a virtual phone and follow it, in the folder where Trunkline was started:</p>
<pre>npx trunkline call +15005550101 --watch</pre>
<p><a href="/docs">API reference</a> · <a href="/openapi.json">OpenAPI</a> · <a href="/metrics">Metrics</a> · <a href="/readyz">Readiness</a></p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
