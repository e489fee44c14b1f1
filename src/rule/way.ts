export type WayKey = number | string;

/** As many answers as a number holds exactly, beside a leading 1 that tells `no` from nothing. */
const FULL = 2 ** 50;

/**
 * The answers to the questions that rules ask of a message, in order. Which question comes next follows
 * from the answers before it, so that together they say which way the message took. Kept as a number
 * since a router makes one for every message.
 */
export class Way {
  #before = '';
  #answers = 1;

  /** Adds an answer and gives it back. */
  note(answer: boolean): boolean {
    this.#answers = this.#answers * 2 + (answer ? 1 : 0);
    if (this.#answers >= FULL) {
      this.#before += `${this.#answers}.`;
      this.#answers = 1;
    }
    return answer;
  }

  /** Equal for equal ways through the same rules, and only for them. */
  key(): WayKey {
    return this.#before === '' ? this.#answers : this.#before + this.#answers;
  }
}
