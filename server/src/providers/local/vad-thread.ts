import type { MessagePort } from 'node:worker_threads';
import { setThreadPriority } from '../../shared/thread-priority.ts';
import { loadOnnxRuntime } from './onnx-runtime.ts';
import { serveThread } from './serve-thread.ts';
import { SileroMemory, SileroModel } from './silero-model.ts';
import type { VadReport, VadRequest } from './speech-protocol.ts';
import { VadBatcher } from './vad-batcher.ts';

/** Turns wait for its answers; each takes a millisecond or two. Below the media themselves. */
const VAD_NICE = -5;
setThreadPriority(VAD_NICE);

await serveThread(async ({ backend }) => {
  const runtime = await loadOnnxRuntime(backend);
  const model = await SileroModel.load(runtime);
  await model.run([{ memory: new SileroMemory(), samples: new Int16Array(256) }]);
  const batcher = new VadBatcher((inputs) => model.run(inputs));

  function connect(line: MessagePort): void {
    const consumer = batcher.connect((report: VadReport) => line.postMessage(report));
    line.on('message', (request: VadRequest) => {
      if (request.type === 'frames') consumer.push(request.sessions, request.samples);
      else consumer.end(request.session);
    });
    line.on('close', () => consumer.close());
  }

  return { backend: runtime.backend, connect, stats: () => batcher.stats() };
});
