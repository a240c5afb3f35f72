/** The part of the WebAssembly interface in use; the language's own libraries leave it to the DOM. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, ModuleImports>);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  type ModuleImports = Record<string, (...args: never[]) => unknown>;
  function compile(bytes: Uint8Array): Promise<Module>;
}
