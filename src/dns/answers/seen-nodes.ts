/** The nodes met during one query, so that glue is written once and chains end: a set of numbers that makes no garbage. */

/** Open addressing over numbers above 0; cleared by counting on. */
export class SeenNodes {
  #nodes = new Int32Array(64);
  #rounds = new Int32Array(64);
  #round = 0;
  #size = 0;

  /** Forgets all. */
  clear(): void {
    this.#size = 0;
    this.#round = (this.#round + 1) | 0;
    // after a whole turn old entries would be taken for new ones
    if (this.#round === 0) this.#rounds.fill(-1);
  }

  /** Remembers a node. False when it was there. */
  add(node: number): boolean {
    if (this.#size * 2 >= this.#nodes.length) this.#grow();
    return this.#place(node);
  }

  #place(node: number): boolean {
    const mask = this.#nodes.length - 1;
    let at = (Math.imul(node, 0x9e3779b1) >>> 7) & mask;
    while (this.#rounds[at] === this.#round) {
      if (this.#nodes[at] === node) return false;
      at = (at + 1) & mask;
    }
    this.#nodes[at] = node;
    this.#rounds[at] = this.#round;
    this.#size++;
    return true;
  }

  #grow(): void {
    const nodes = this.#nodes;
    const rounds = this.#rounds;
    this.#nodes = new Int32Array(nodes.length * 2);
    this.#rounds = new Int32Array(nodes.length * 2).fill(this.#round - 1);
    this.#size = 0;
    for (let at = 0; at < nodes.length; at++) if (rounds[at] === this.#round) this.#place(nodes[at] as number);
  }
}
