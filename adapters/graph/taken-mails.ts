import { createHash } from 'node:crypto';
import type { Memory } from 'waybill/adapter';
import type { MailFacts } from './mail-changes.ts';

const HASH_LENGTH = 12;
/** How many mails are recognised after Graph forgot where we were. */
const RECENT = 2_000;
const DAY = 86_400_000;

/** `refused` mails are left alone where they are; taken ones are put away. */
type Fate = 'taken' | 'refused';

interface State {
  /** The folder that all this is about. */
  readonly folder: string;
  /** Where the next look begins. */
  readonly link?: string | undefined;
  /** When the newest taken mail was received. */
  readonly newest: number;
  /** Stored or refused, and maybe not put away yet: hash and fate. */
  readonly open: readonly (readonly [hash: string, fate: Fate])[];
  /** Hashes of mails taken lately; only where they stay in the folder. */
  readonly recent: readonly string[];
  /** How many messages of a mail are stored already. */
  readonly begun?: readonly [hash: string, messages: number] | undefined;
}

/**
 * Where the last look ended, and what was taken since. Kept durably: the position moves on only once
 * every mail before it is settled, so that a mail is neither lost nor taken twice.
 */
export class TakenMails {
  readonly #memory: Memory;
  readonly #stay: boolean;
  #state: State;

  private constructor(memory: Memory, stay: boolean, state: State) {
    this.#memory = memory;
    this.#stay = stay;
    this.#state = state;
  }

  /** `stay`: taken mails are left in the folder as they are. A memory of another folder is dropped. */
  static async read(memory: Memory, folder: string, stay: boolean): Promise<TakenMails> {
    const none: State = { folder, newest: 0, open: [], recent: [] };
    const text = await memory.read();
    const known = text === undefined ? none : { ...none, ...(JSON.parse(text) as State) };
    return new TakenMails(memory, stay, known.folder === folder ? known : none);
  }

  get link(): string | undefined {
    return this.#state.link;
  }

  /** When everything is looked at anew: mails before this need not be told of. */
  get since(): number | undefined {
    const { newest } = this.#state;
    return this.#stay && newest > 0 ? newest - DAY : undefined;
  }

  /** What became of a mail before; undefined if it is still to be taken. */
  fate(mail: MailFacts): Fate | undefined {
    const { open, recent } = this.#state;
    const wanted = hash(mail);
    const [, fate] = open.find(([one]) => one === wanted) ?? [];
    return fate ?? (recent.includes(wanted) ? 'taken' : undefined);
  }

  /** How many messages of the mail were stored in an earlier try. */
  begun(mail: MailFacts): number {
    const [of, messages] = this.#state.begun ?? [];
    return of === hash(mail) && messages !== undefined ? messages : 0;
  }

  /** Notes that so many messages of the mail are stored, and not all. */
  noteBegun(mail: MailFacts, messages: number): Promise<void> {
    return this.#write({ ...this.#state, begun: [hash(mail), messages] });
  }

  /** Notes that the mail was taken, or never will be; resolves once that is durable. */
  add(mail: MailFacts, fate: Fate): Promise<void> {
    const { open, recent, newest } = this.#state;
    const own = hash(mail);
    return this.#write({
      ...this.#state,
      newest: Math.max(newest, mail.received),
      open: this.#stay && fate === 'taken' ? open : [...open, [own, fate]],
      recent: this.#stay ? [...recent, own].slice(-RECENT) : recent,
      begun: undefined,
    });
  }

  /** Forgets a mail that was put away; made durable by the next `add` or `moveOn`. */
  forget(mail: MailFacts): void {
    const gone = hash(mail);
    this.#state = { ...this.#state, open: this.#state.open.filter(([one]) => one !== gone) };
  }

  /** The next look begins at this link. Refused mails are not told of again. */
  async moveOn(link: string): Promise<void> {
    const open = this.#state.open.filter(([, fate]) => fate === 'taken');
    if (link === this.#state.link && open.length === this.#state.open.length) return;
    await this.#write({ ...this.#state, link, open });
  }

  async #write(state: State): Promise<void> {
    await this.#memory.write(JSON.stringify(state));
    this.#state = state;
  }
}

function hash({ id }: MailFacts): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, HASH_LENGTH);
}
