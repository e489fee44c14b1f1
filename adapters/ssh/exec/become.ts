import { randomBytes } from 'node:crypto';
import { shellWord } from './shell-word.ts';

export interface Become {
  readonly by: 'sudo' | 'su';
  readonly user: string;
  readonly password: string | undefined;
}

/** The meaning of the output before a command begins. */
type Heard =
  | { readonly kind: 'asked'; readonly password: string }
  | { readonly kind: 'begun'; readonly pid: number; readonly rest: string };

/**
 * Becoming another user for one command. A mark known only to this run shows that the command begins: the output
 * before it is from sudo or su, and the only answer to that is the password, once.
 */
export class Becoming {
  readonly #become: Become;
  readonly #token = randomBytes(12).toString('hex');
  #given = false;

  constructor(become: Become) {
    this.#become = become;
  }

  /** The line that runs another as that user. */
  line(inner: string): string {
    // the mark in this text differs from the printed one: sudo quotes the text when it refuses
    const marked = `printf '%s-%s:%s.' waybill ${this.#token} "$$" >&2; ${inner}`;
    const user = shellWord(this.#become.user);
    return this.#become.by === 'sudo'
      ? `sudo -S -p ${shellWord(this.#prompt)} -u ${user} -- /bin/sh -c ${shellWord(marked)}`
      : `su ${user} -c ${shellWord(marked)}`;
  }

  /** `said` is the output since the last answer. */
  hear(said: string): Heard | 'refused' | undefined {
    const mark = new RegExp(`waybill-${this.#token}:(\\d+)\\.`).exec(said);
    if (mark !== null) {
      return { kind: 'begun', pid: Number(mark[1]), rest: said.slice(mark.index + mark[0].length) };
    }
    if (!this.#asks(said)) return undefined;
    if (this.#given || this.#become.password === undefined) return 'refused';
    this.#given = true;
    return { kind: 'asked', password: this.#become.password };
  }

  get #prompt(): string {
    return `${this.#token} password: `;
  }

  /** `su` asks in the language of the server: an unfinished line that ends with a colon. */
  #asks(said: string): boolean {
    return this.#become.by === 'sudo' ? said.includes(this.#prompt) : /[^\r\n]: ?$/.test(said);
  }
}
