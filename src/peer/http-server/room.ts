/** The total memory for the bodies of all requests of a service; one address gets at most half of it. */
export class Room {
  readonly #most: number;
  readonly #byAddress = new Map<string, number>();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether there is room for this many more bytes; if so, they are counted. */
  enter(address: string, bytes: number): boolean {
    const own = (this.#byAddress.get(address) ?? 0) + bytes;
    if (this.#taken + bytes > this.#most || own > this.#most / 2) return false;
    this.#byAddress.set(address, own);
    this.#taken += bytes;
    return true;
  }

  leave(address: string, bytes: number): void {
    if (bytes === 0) return;
    const own = (this.#byAddress.get(address) ?? 0) - bytes;
    if (own > 0) this.#byAddress.set(address, own);
    else this.#byAddress.delete(address);
    this.#taken -= bytes;
  }
}
