import { parentPort, workerData } from 'node:worker_threads';
import { createLocalSpeech } from '../local/local-speech.ts';
import type { SpeechPorts } from '../local/speech-ports.ts';
import { hear, judge, speak } from './listen.ts';

/** What a consumer in a thread of its own made of the sentence that it spoke to itself. */
export interface ConsumerReport {
  text: string;
  speechFrames: number;
}

const { ports, sentence } = workerData as { ports: SpeechPorts; sentence: string };
const speech = createLocalSpeech(ports);
const samples = await speak(speech.tts, sentence);
const report: ConsumerReport = {
  text: (await hear(speech.stt, samples)).text,
  speechFrames: (await judge(speech.vad, samples)).filter((p) => p > 0.5).length,
};
parentPort?.postMessage(report);
speech.close();
