/** What a stream yields: a message, a keep-alive ping to be answered, or an end of all framing. */
export type StreamFrame =
  | { kind: 'message'; bytes: Buffer }
  /** RFC 5626 §4.4.1: two line ends, answered with one. */
  | { kind: 'ping' }
  /** SIP whose end cannot be told; the connection is of no more use. `bytes` is the head. */
  | { kind: 'broken'; bytes: Buffer }
  /** No SIP; the connection is of no more use. */
  | { kind: 'garbage' };

const HEADER_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\n(?:content-length|l)[ \t]*:[ \t\r\n]*([^\r\n]*)/gi;
const INITIAL_BYTES = 2048;

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3). Holds one message at
 * most; bytes that were searched are not searched again, so that segments of one byte cost no more.
 */
export class StreamFramer {
  readonly #maxBytes: number;
  #buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #searchFrom = 0;
  /** Bytes of the message at `#start`, once its head is there. */
  #needBytes: number | null = null;
  #lineEndBytes = 0;
  #over = false;

  /** @param maxBytes largest message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether part of a message waits for the rest. */
  get hasPartial(): boolean {
    return this.#end > this.#start;
  }

  /** Takes what came; gives what is complete. After `broken` or `garbage` nothing more. */
  push(chunk: Uint8Array): StreamFrame[] {
    if (this.#over) return [];
    this.#append(chunk);
    const frames: StreamFrame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #append(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const needed = held + chunk.length;
      const grown =
        needed > this.#buffer.length || held * 2 > this.#buffer.length
          ? Buffer.allocUnsafe(Math.max(INITIAL_BYTES, needed * 2))
          : this.#buffer;
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      this.#buffer = grown;
      this.#searchFrom -= this.#start;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #next(): StreamFrame | null {
    if (this.#over) return null;
    if (this.#needBytes === null) {
      if (this.#skipLineEnds()) return { kind: 'ping' };
      if (!this.hasPartial) return null;
      if (!isPrintable(this.#buffer[this.#start] ?? 0)) return this.#stop({ kind: 'garbage' });
      const failed = this.#readHead();
      if (failed) return failed;
    }
    const need = this.#needBytes;
    if (need === null || this.#end - this.#start < need) return null;
    const bytes = Buffer.from(this.#buffer.subarray(this.#start, this.#start + need));
    this.#start += need;
    this.#searchFrom = this.#start;
    this.#needBytes = null;
    return { kind: 'message', bytes };
  }

  /** True where a ping is complete. */
  #skipLineEnds(): boolean {
    while (this.#start < this.#end) {
      const byte = this.#buffer[this.#start];
      if (byte !== 0x0d && byte !== 0x0a) {
        this.#lineEndBytes = 0;
        break;
      }
      this.#start++;
      this.#searchFrom = this.#start;
      if (++this.#lineEndBytes === 4) {
        this.#lineEndBytes = 0;
        return true;
      }
    }
    return false;
  }

  /** Sets the length of the message at hand once its head is complete. */
  #readHead(): StreamFrame | null {
    const held = this.#buffer.subarray(0, this.#end);
    const headEnd = held.indexOf(HEADER_END, this.#searchFrom);
    if (headEnd < 0) {
      this.#searchFrom = Math.max(this.#start, this.#end - HEADER_END.length + 1);
      if (this.#end - this.#start <= this.#maxBytes) return null;
      return this.#stop({ kind: 'broken', bytes: Buffer.from(held.subarray(this.#start)) });
    }
    const bodyStart = headEnd + HEADER_END.length;
    const head = this.#buffer.toString('latin1', this.#start, headEnd);
    const length = contentLength(head);
    const total = length === null ? Infinity : bodyStart - this.#start + length;
    if (total > this.#maxBytes) {
      const bytes = Buffer.from(held.subarray(this.#start, bodyStart));
      return this.#stop({ kind: 'broken', bytes });
    }
    this.#needBytes = total;
    return null;
  }

  #stop(frame: StreamFrame): StreamFrame {
    this.#over = true;
    this.#buffer = Buffer.alloc(0);
    this.#start = 0;
    this.#end = 0;
    return frame;
  }
}

function isPrintable(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f;
}

/** Null where it is missing, malformed or said twice with different values. */
function contentLength(head: string): number | null {
  let length: number | null = null;
  for (const match of head.matchAll(CONTENT_LENGTH)) {
    const text = (match[1] ?? '').trim();
    const value = /^\d{1,10}$/.test(text) ? Number(text) : null;
    if (value === null || (length !== null && value !== length)) return null;
    length = value;
  }
  return length;
}
