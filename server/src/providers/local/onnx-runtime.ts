import { readFile } from 'node:fs/promises';
import type { InferenceSession, TensorConstructor } from 'onnxruntime-web';

/** Which ONNX runtime to use: `auto` takes the native one where it is installed. */
export type BackendChoice = 'auto' | 'native' | 'wasm';
export type Backend = 'native' | 'wasm';

/** ONNX Runtime, native or compiled to WebAssembly, behind one face. */
export interface OnnxRuntime {
  readonly backend: Backend;
  readonly Tensor: TensorConstructor;
  load(file: string): Promise<InferenceSession>;
}

/** Loads the runtime. Rejects when `native` is demanded and not installed. */
export async function loadOnnxRuntime(choice: BackendChoice): Promise<OnnxRuntime> {
  if (choice === 'wasm') return loadWasm();
  try {
    return await loadNative();
  } catch (error) {
    if (choice === 'native') {
      throw new Error('onnxruntime-node does not load on this machine', { cause: error });
    }
    return loadWasm();
  }
}

async function loadNative(): Promise<OnnxRuntime> {
  const ort = await import('onnxruntime-node');
  return {
    backend: 'native',
    Tensor: ort.Tensor,
    load: (file) =>
      ort.InferenceSession.create(file, {
        executionProviders: ['cpu'],
        // The models are small: a second thread would take a core from the calls.
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        // Input shapes change from run to run; a memory plan kept for each would only grow.
        enableMemPattern: false,
      }),
  };
}

async function loadWasm(): Promise<OnnxRuntime> {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  return {
    backend: 'wasm',
    Tensor: ort.Tensor,
    load: async (file) =>
      ort.InferenceSession.create(await readFile(file), {
        executionProviders: ['wasm'],
        enableMemPattern: false,
      }),
  };
}
