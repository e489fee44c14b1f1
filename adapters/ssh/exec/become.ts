import { randomBytes } from 'node:crypto';
import { shellWord } from './shell-word.ts';

export interface Become {
  readonly by: 'sudo' | 'su';
  readonly user: string;
  readonly password: string | undefined;
}

/** What was understood of what is said before a command begins. */
type Heard =
  | { readonly kind: 'asked'; readonly password: string }
  | { readonly kind: 'begun'; readonly pid: number; readonly rest: string };

/**
 * Becoming another user for one command. That the command begins is told by a mark that none but this one knows: what
 * comes before is said by sudo or su, and only the password is answered to it, once.
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
    // the mark in this text is not what it prints: sudo quotes the text where it refuses
    const marked = `printf '%s-%s:%s.' waybill ${this.#token} "$$" >&2; ${inner}`;
    const user = shellWord(this.#become.user);
    return this.#become.by === 'sudo'
      ? `sudo -S -p ${shellWord(this.#prompt)} -u ${user} -- /bin/sh -c ${shellWord(marked)}`
      : `su ${user} -c ${shellWord(marked)}`;
  }

  /** `said` is all that came since the last answer. */
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

  /** `su` asks in the language of the server: a line that is not ended, with a colon last. */
  #asks(said: string): boolean {
    return this.#become.by === 'sudo' ? said.includes(this.#prompt) : /[^\r\n]: ?$/.test(said);
  }
}
