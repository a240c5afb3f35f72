const OK = 0;
const BADF = 8;
const NOENT = 44;
const SPIPE = 70;
const STDERR = 2;
/** The only preopened directory, `/`. */
const ROOT = 3;
const FILE_TYPE_DEVICE = 2;
const FILE_TYPE_DIRECTORY = 3;
const FILE_TYPE_REGULAR = 4;
const OPEN_CREATE = 1;

/** What a command left behind. */
export interface WasiResult {
  exitCode: number;
  files: Map<string, Uint8Array>;
  /** Standard output and standard error. */
  printed: string;
}

class Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** A file in memory that grows as it is written. */
class MemoryFile {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  position = 0;

  get length(): number {
    return this.#length;
  }

  get contents(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  write(chunk: Uint8Array): void {
    const end = this.position + chunk.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, end));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.position);
    this.position = end;
    this.#length = Math.max(this.#length, end);
  }
}

/**
 * Runs a WASI command once in a fresh instance, with files in memory only: no disk, no network,
 * no clock. Throws what the command's code traps with.
 */
export function runWasiCommand(module: WebAssembly.Module, args: readonly string[]): WasiResult {
  const host = new WasiHost(args);
  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: host.imports() });
  const { memory, _start: start } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof start !== 'function') {
    throw new Error('the module is not a WASI command');
  }
  host.memory = memory;
  let exitCode = 0;
  try {
    start();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    exitCode = error.exitCode;
  }
  return { exitCode, files: host.files(), printed: host.printed() };
}

class WasiHost {
  memory: WebAssembly.Memory | undefined;
  readonly #args: readonly Uint8Array[];
  readonly #files = new Map<string, MemoryFile>();
  readonly #open = new Map<number, MemoryFile>();
  readonly #printed: Uint8Array[] = [];
  #nextHandle = ROOT + 1;

  constructor(args: readonly string[]) {
    this.#args = args.map((arg) => Buffer.from(`${arg}\0`));
  }

  files(): Map<string, Uint8Array> {
    return new Map([...this.#files].map(([name, file]) => [name, file.contents]));
  }

  printed(): string {
    return Buffer.concat(this.#printed).toString('utf8');
  }

  /** The functions of WASI preview 1 that a command-line program without input needs. */
  imports(): WebAssembly.ModuleImports {
    return {
      args_sizes_get: (count: number, size: number) => {
        this.#view().setUint32(count, this.#args.length, true);
        this.#view().setUint32(
          size,
          this.#args.reduce((sum, arg) => sum + arg.length, 0),
          true,
        );
        return OK;
      },
      args_get: (pointers: number, buffer: number) => this.#argsGet(pointers, buffer),
      // Time stands still: the same text gives the same audio.
      clock_time_get: (_id: number, _precision: bigint, out: number) => {
        this.#view().setBigUint64(out, 0n, true);
        return OK;
      },
      fd_close: (fd: number) => {
        this.#open.delete(fd);
        return OK;
      },
      fd_fdstat_set_flags: () => OK,
      fd_fdstat_get: (fd: number, out: number) => this.#fdstatGet(fd, out),
      fd_prestat_get: (fd: number, out: number) => {
        if (fd !== ROOT) return BADF;
        this.#view().setUint32(out, 0, true);
        this.#view().setUint32(out + 4, 1, true);
        return OK;
      },
      fd_prestat_dir_name: (_fd: number, out: number) => {
        this.#view().setUint8(out, '/'.charCodeAt(0));
        return OK;
      },
      path_open: (
        _directory: number,
        _lookup: number,
        name: number,
        length: number,
        flags: number,
        _rights: bigint,
        _inheriting: bigint,
        _fdFlags: number,
        out: number,
      ) => this.#pathOpen(name, length, flags, out),
      fd_read: (_fd: number, _vectors: number, _count: number, out: number) => {
        this.#view().setUint32(out, 0, true);
        return OK;
      },
      fd_seek: (fd: number, offset: bigint, whence: number, out: number) =>
        this.#seek(fd, Number(offset), whence, out),
      fd_write: (fd: number, vectors: number, count: number, out: number) =>
        this.#write(fd, vectors, count, out),
      proc_exit: (code: number) => {
        throw new Exit(code);
      },
    };
  }

  /** Made anew each time: growing the memory detaches the buffer. */
  #view(): DataView {
    return new DataView(this.#buffer());
  }

  #buffer(): ArrayBuffer {
    if (this.memory === undefined) throw new Error('the command has not started');
    return this.memory.buffer;
  }

  #argsGet(pointers: number, buffer: number): number {
    let at = buffer;
    this.#args.forEach((arg, i) => {
      this.#view().setUint32(pointers + 4 * i, at, true);
      new Uint8Array(this.#buffer()).set(arg, at);
      at += arg.length;
    });
    return OK;
  }

  #fdstatGet(fd: number, out: number): number {
    if (fd > ROOT && !this.#open.has(fd)) return BADF;
    let fileType = FILE_TYPE_REGULAR;
    if (fd < ROOT) fileType = FILE_TYPE_DEVICE;
    if (fd === ROOT) fileType = FILE_TYPE_DIRECTORY;
    const view = this.#view();
    view.setUint8(out, fileType);
    view.setUint16(out + 2, 0, true);
    view.setBigUint64(out + 8, 0xffffffffffffffffn, true);
    view.setBigUint64(out + 16, 0xffffffffffffffffn, true);
    return OK;
  }

  #pathOpen(name: number, length: number, flags: number, out: number): number {
    const path = Buffer.from(this.#buffer(), name, length).toString('utf8');
    const file = this.#files.get(path) ?? new MemoryFile();
    if (!this.#files.has(path) && (flags & OPEN_CREATE) === 0) return NOENT;
    file.position = 0;
    this.#files.set(path, file);
    const handle = this.#nextHandle++;
    this.#open.set(handle, file);
    this.#view().setUint32(out, handle, true);
    return OK;
  }

  #seek(fd: number, offset: number, whence: number, out: number): number {
    const file = this.#open.get(fd);
    if (file === undefined) return SPIPE;
    const origin = [0, file.position, file.length][whence] ?? 0;
    file.position = Math.max(0, origin + offset);
    this.#view().setBigUint64(out, BigInt(file.position), true);
    return OK;
  }

  #write(fd: number, vectors: number, count: number, out: number): number {
    const file = this.#open.get(fd);
    if (file === undefined && fd > STDERR) return BADF;
    const view = this.#view();
    let written = 0;
    for (let i = 0; i < count; i++) {
      const from = view.getUint32(vectors + 8 * i, true);
      const length = view.getUint32(vectors + 8 * i + 4, true);
      const chunk = new Uint8Array(this.#buffer(), from, length).slice();
      if (file === undefined) this.#printed.push(chunk);
      else file.write(chunk);
      written += length;
    }
    view.setUint32(out, written, true);
    return OK;
  }
}
