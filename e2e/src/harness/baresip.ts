import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { monoWav, readStereoWav } from './audio.ts';
import { startPeer, type PeerProcess } from './peer-process.ts';
import { freePort } from './free-port.ts';

const CONFIG = path.resolve(import.meta.dirname, '../../peers/baresip.config');
const SAMPLE_RATE_HZ = 8_000;
/** baresip 1.0.0 hangs up when its audio source ends. */
const PADDING_S = 120;

export interface Baresip {
  sipPort: number;
  /** Where it listens with TLS. */
  tlsPort: number;
  process: PeerProcess;
  /** What a user does at the phone, such as `sndcode 1` or `hangup`. Resolves when it was done. */
  command(name: string, params?: string): Promise<void>;
  /** What it heard in its latest call. */
  heard(): Promise<Int16Array>;
}

/**
 * A phone with the number `user` that answers by itself, plays `speech` (8 kHz) and records what it
 * hears; with `secure` over TLS and SRTP only, with the PEM file of its key and certificate.
 * `account`: more parameters of its account, such as `;auth_user=...`. `codecs`: those that it speaks.
 */
export async function startBaresip(
  folder: string,
  user: string,
  speech: Int16Array,
  secure?: { certificate: string; account?: string },
  codecs = 'pcmu,pcma',
): Promise<Baresip> {
  await mkdir(folder, { recursive: true });
  const sipPort = await freePort();
  const controlPort = await freePort();
  const rtpLow = 26_000 + (sipPort % 1_000) * 2;
  const config = (await readFile(CONFIG, 'utf8'))
    .replaceAll('__DIR__', folder)
    .replaceAll('__PORT__', String(sipPort))
    .replaceAll('__CTRL__', String(controlPort))
    .replaceAll('__TLS__', secure ? `sip_certificate ${secure.certificate}` : '')
    .replaceAll('__RTPLO__', String(rtpLow))
    .replaceAll('__RTPHI__', String(rtpLow + 98));
  const padded = new Int16Array(speech.length + PADDING_S * SAMPLE_RATE_HZ);
  padded.set(speech);
  await Promise.all([
    writeFile(path.join(folder, 'config'), config),
    writeFile(path.join(folder, 'play.wav'), monoWav(padded)),
    writeFile(path.join(folder, 'contacts'), ''),
    writeFile(
      path.join(folder, 'accounts'),
      `"Phone" <sip:${user}@127.0.0.1:${sipPort}${secure ? ';transport=tls' : ''}>;regint=0;answermode=auto;audio_codecs=${codecs}${secure ? `;mediaenc=srtp-mand${secure.account ?? ''}` : ''}\n`,
    ),
  ]);
  const process = startPeer('baresip', ['-4', '-f', folder, '-v']);
  await process.waitFor('baresip is ready');
  return {
    sipPort,
    // baresip puts TLS on the port above.
    tlsPort: sipPort + 1,
    process,
    command: (name, params = '') => command(controlPort, name, params),
    async heard() {
      const files = (await readdir(folder)).filter((name) => /^dump-.*-dec\.wav$/.test(name));
      const latest = files.sort().at(-1);
      if (latest === undefined) throw new Error(`baresip recorded nothing:\n${process.output()}`);
      return readStereoWav(await readFile(path.join(folder, latest))).left;
    },
  };
}

/** One command of baresip's ctrl_tcp: JSON in a netstring, answered by `response: true`. */
async function command(port: number, name: string, params: string): Promise<void> {
  const text = JSON.stringify({ command: name, params, token: 'test' });
  const socket = net.connect(port, '127.0.0.1');
  try {
    socket.write(`${Buffer.byteLength(text)}:${text},`);
    let answer = '';
    for await (const chunk of socket) {
      answer += String(chunk);
      // Events of calls come over the same connection.
      if (!/"response"\s*:\s*true/.test(answer)) continue;
      if (/"ok"\s*:\s*true/.test(answer)) return;
      break;
    }
    throw new Error(`baresip did not take ${name} ${params}: ${answer}`);
  } finally {
    socket.destroy();
  }
}
