/** A delivery as far as its order is concerned. */
export interface QueuedDelivery {
  id: string;
  /** Grows in the order in which the events of one key were appended. */
  seq: number;
  orderKey: string;
}

interface Lane<Item> {
  /** In order of `seq`; the first may be under way. */
  items: Item[];
  isSending: boolean;
}

/**
 * What is loaded of one endpoint's deliveries: a lane for each order key, of which at most the
 * first delivery is under way. Lanes do not wait for one another.
 */
export class EndpointQueue<Item extends QueuedDelivery> {
  readonly #lanes = new Map<string, Lane<Item>>();
  /** Lanes whose first delivery may go, in the order in which they became ready. */
  readonly #ready = new Set<string>();
  readonly #loaded = new Set<number>();
  #sendingCount = 0;

  /** Deliveries that are loaded, those under way included. */
  get size(): number {
    return this.#loaded.size;
  }

  get sendingCount(): number {
    return this.#sendingCount;
  }

  /** Sequence numbers of everything that is loaded. */
  loaded(): Iterable<number> {
    return this.#loaded;
  }

  has(seq: number): boolean {
    return this.#loaded.has(seq);
  }

  /** Adds a delivery behind those of its key; one that is loaded already is left out. */
  add(item: Item): void {
    if (this.#loaded.has(item.seq)) return;
    this.#loaded.add(item.seq);
    const lane = this.#lanes.get(item.orderKey) ?? { items: [], isSending: false };
    this.#lanes.set(item.orderKey, lane);
    const after = lane.items.findLastIndex((other) => other.seq < item.seq);
    // What is under way stays first, even where an older one is replayed behind it.
    lane.items.splice(Math.max(after + 1, lane.isSending ? 1 : 0), 0, item);
    if (!lane.isSending) this.#ready.add(item.orderKey);
  }

  /** The next delivery that may go; it counts as under way from now on. */
  take(): Item | null {
    for (const orderKey of this.#ready) {
      this.#ready.delete(orderKey);
      const lane = this.#lanes.get(orderKey);
      const item = lane?.items[0];
      if (!lane || !item) continue;
      lane.isSending = true;
      this.#sendingCount++;
      return item;
    }
    return null;
  }

  /** A delivery has come to its end: the next one of its lane may go. */
  done(item: Item): void {
    const lane = this.#end(item);
    if (lane && lane.items.length > 0) this.#ready.add(item.orderKey);
  }

  /** A delivery has failed: what is behind it is let go, and comes again with it. */
  failed(item: Item): void {
    const lane = this.#end(item);
    if (!lane) return;
    for (const other of lane.items) this.#loaded.delete(other.seq);
    this.#lanes.delete(item.orderKey);
  }

  /** Lets go of everything that is not under way. */
  dropWaiting(): void {
    for (const [orderKey, lane] of this.#lanes) {
      const dropped = lane.isSending ? lane.items.splice(1) : lane.items.splice(0);
      for (const item of dropped) this.#loaded.delete(item.seq);
      if (lane.items.length === 0) this.#lanes.delete(orderKey);
    }
    this.#ready.clear();
  }

  #end(item: Item): Lane<Item> | null {
    const lane = this.#lanes.get(item.orderKey);
    if (!lane || lane.items[0] !== item || !lane.isSending) return null;
    lane.items.shift();
    lane.isSending = false;
    this.#sendingCount--;
    this.#loaded.delete(item.seq);
    if (lane.items.length === 0) this.#lanes.delete(item.orderKey);
    return lane;
  }
}
