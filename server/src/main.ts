import { startApp, type App } from './app.ts';
import { ConfigError, readConfig, type Config } from './config.ts';
import { DatabaseStartError } from './db/database-start-error.ts';
import { systemClock } from './shared/clock.ts';

/** Exit codes, in the manner of sysexits.h. */
const EXIT_CONFIG = 78;
const EXIT_UNAVAILABLE = 69;
const EXIT_SOFTWARE = 70;
const EXIT_TERMINATED = 143;

const config = readConfigOrExit();
const startedMs = systemClock.monotonicMs();
const app = await startOrExit(config);
// Before the banner: whoever waits for it may send a signal at once.
handleSignals(app, config);
printBanner(app, config);

function readConfigOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`trunkline: a setting cannot be used:\n${error.message}`);
    process.exit(EXIT_CONFIG);
  }
}

async function startOrExit(settings: Config): Promise<App> {
  // A signal while starting: nothing is live yet, so the process may go at once.
  const interrupted = (): never => process.exit(EXIT_TERMINATED);
  process.on('SIGTERM', interrupted);
  process.on('SIGINT', interrupted);
  try {
    const started = await startApp({
      config: settings,
      clock: systemClock,
      onProgress: (message) => console.log(`  ${message} ...`),
    });
    process.off('SIGTERM', interrupted);
    process.off('SIGINT', interrupted);
    return started;
  } catch (error) {
    console.error(`trunkline: ${explain(error, settings)}`);
    process.exit(error instanceof DatabaseStartError ? EXIT_UNAVAILABLE : EXIT_SOFTWARE);
  }
}

/** One sentence and what to do. */
function explain(error: unknown, settings: Config): string {
  const { code, port, message } = error as { code?: string; port?: number; message?: string };
  const text = message ?? String(error);
  // From the carrier's thread comes the message only.
  if (code === 'EADDRINUSE' || /EADDRINUSE|already in use/.test(text)) {
    const busy = port ?? Number(/\bport (\d+)|:(\d{2,5})\b/.exec(text)?.slice(1).find(Boolean));
    const setting = settingOfPort(busy, settings);
    return `port ${busy} is in use by another program; end that program, or start with ${setting}=<another port>`;
  }
  if (code === 'EACCES' && port !== undefined) {
    return `port ${port} may not be bound by this user; choose one above 1023 with ${settingOfPort(port, settings)}`;
  }
  if (code === 'ENOSPC') {
    return `no space left on the disk of ${settings.dataDir}; free some, or set TRUNKLINE_DATA_DIR to another one`;
  }
  if (code === 'EACCES' || code === 'EROFS') {
    return `${settings.dataDir} cannot be written by this user; set TRUNKLINE_DATA_DIR to a folder that can`;
  }
  return error instanceof DatabaseStartError ? text : `cannot start: ${text}`;
}

function settingOfPort(port: number, settings: Config): string {
  if (port === settings.http.port) return 'HTTP_PORT';
  if (port === settings.sip.port) return 'SIP_PORT';
  if (port === settings.sip.tls.port) return 'SIP_TLS_PORT';
  if (port === settings.carrier.sipTlsPort) return 'CARRIER_SIP_TLS_PORT';
  return port === settings.carrier.sipPort ? 'CARRIER_SIP_PORT' : 'the setting of that port';
}

function printBanner(started: App, settings: Config): void {
  const seconds = ((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1);
  const key =
    started.newApiKey ??
    (settings.apiKey === null
      ? 'as shown at the first start (npx trunkline keys create <name> makes another)'
      : 'the one in TRUNKLINE_API_KEY');
  const rows: [string, string][] = [];
  if (started.url) {
    rows.push(
      ['Dashboard', started.url],
      ['API reference', `${started.url}/docs`],
      ['API key', key],
    );
  }
  const { host, advertisedHost } = settings.sip;
  const told = advertisedHost === host ? '' : `, told to far ends as ${advertisedHost}`;
  const tls = started.sipTlsPort === null ? '' : `, ${host}:${started.sipTlsPort} (TLS)`;
  rows.push(['SIP', `${host}:${started.sipPort} (UDP, TCP)${tls}${told}`]);
  if (started.carrierSipPort !== null) {
    const name = settings.sandbox.enabled ? 'Sandbox' : 'Trunk service';
    rows.push([name, `carrier on ${settings.carrier.host}:${started.carrierSipPort}`]);
  }
  if (settings.log.destination !== '-') rows.push(['Log', settings.log.destination]);
  console.log(`\nTrunkline is up (${seconds} s)\n`);
  for (const [name, value] of rows) console.log(`  ${name.padEnd(14)} ${value}`);
  if (started.url && started.carrierSipPort !== null && settings.sandbox.enabled) {
    console.log('\nTry in another terminal, in this folder:\n');
    console.log('  npx trunkline call +15005550101 --watch    # a person answers');
    console.log('  npx trunkline call +15005550113 --watch    # a person who interrupts');
    console.log('');
  }
}

/** First signal: drain. Second: end at once, with BYE to all. */
function handleSignals(running: App, settings: Config): void {
  let signals = 0;
  const end = async (drainMs: number): Promise<never> => {
    try {
      await running.drain(drainMs);
      await running.close();
    } catch (error) {
      console.error('trunkline: not everything could be closed:', error);
      process.exit(EXIT_SOFTWARE);
    }
    process.exit(0);
  };
  const onSignal = (): void => {
    signals++;
    if (signals === 1) {
      console.log('\nfinishing the live calls; a second signal hangs them up');
      void end(settings.drainTimeoutMs);
    } else if (signals === 2) {
      void end(0);
    } else {
      process.exit(EXIT_SOFTWARE);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
