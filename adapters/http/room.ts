/** The memory that the bodies of all requests of a service may take together. */
export class Room {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether there is room for so many bytes more; then they are counted. */
  enter(bytes: number): boolean {
    if (this.#taken + bytes > this.#most) return false;
    this.#taken += bytes;
    return true;
  }

  leave(bytes: number): void {
    this.#taken -= bytes;
  }
}
