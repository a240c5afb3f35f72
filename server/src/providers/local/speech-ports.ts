import type { MessagePort } from 'node:worker_threads';

/**
 * One consumer's way to the inference threads: a port per thread, to be handed to one other
 * thread. Over each the service sends a direct line to the inference thread, and a new one
 * whenever that thread was restarted, so these ports stay good for as long as the service lives.
 */
export interface SpeechPorts {
  vad: MessagePort;
  stt: MessagePort[];
  tts: MessagePort[];
}

/** The transfer list that must go with `ports` in `postMessage`. */
export function speechPortList(ports: SpeechPorts): MessagePort[] {
  return [ports.vad, ...ports.stt, ...ports.tts];
}
