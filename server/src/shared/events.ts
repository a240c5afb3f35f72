type AnyListener = (...args: unknown[]) => void;
type Listener<Args extends unknown[]> = (...args: Args) => void;

/** Told of a listener that threw. */
export type ListenerErrorHandler = (event: string, error: unknown) => void;

/**
 * Typed events. A listener that throws is reported and the others still run: one bad listener
 * cannot end a call.
 */
export class TypedEvents<Events extends Record<keyof Events, unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<AnyListener>>();
  readonly #onListenerError: ListenerErrorHandler;

  /** @param onListenerError default: rethrows on a microtask, so that the error is not lost. */
  constructor(onListenerError: ListenerErrorHandler = rethrowLater) {
    this.#onListenerError = onListenerError;
  }

  /** Adds a listener; returns a function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const set = this.#listeners.get(name) ?? new Set<AnyListener>();
    this.#listeners.set(name, set);
    const stored = listener as unknown as AnyListener;
    set.add(stored);
    return () => void set.delete(stored);
  }

  /** Adds a listener for the next occurrence only; returns a function that removes it. */
  once<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const off = this.on(name, (...args: Events[Name]) => {
      off();
      listener(...args);
    });
    return off;
  }

  /** Tells every listener. */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (!listeners) return;
    // A copy: a listener may remove itself or others.
    for (const listener of Array.from(listeners)) {
      try {
        listener(...args);
      } catch (error) {
        this.#onListenerError(String(name), error);
      }
    }
  }

  /** Removes every listener. */
  removeAll(): void {
    this.#listeners.clear();
  }
}

function rethrowLater(_event: string, error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
