import { createHash } from 'node:crypto';
import type { Memory } from 'waybill/adapter';
import type { MailFacts } from './mail-changes.ts';

const HASH_LENGTH = 12;
/** How many mails are recognised after Graph lost our position. */
const RECENT = 2_000;
const DAY = 86_400_000;

/** `refused` mails are left where they are; taken ones are cleared away. */
type Fate = 'taken' | 'refused';

interface State {
  /** The folder that this memory is about. */
  readonly folder: string;
  /** Where the next look begins. */
  readonly link?: string | undefined;
  /** When the newest taken mail was received. */
  readonly newest: number;
  /** Stored or refused, and possibly not cleared away yet: hash and fate. */
  readonly open: readonly (readonly [hash: string, fate: Fate])[];
  /** Hashes of recently taken mails; only if they stay in the folder. */
  readonly recent: readonly string[];
  /** How many messages of a mail are already stored. */
  readonly begun?: readonly [hash: string, messages: number] | undefined;
}

/**
 * Where the last look ended, and what was taken since. Stored durably: the position moves on only
 * once every mail before it is settled, so that no mail is lost or taken twice.
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

  /** `stay`: taken mails are left in the folder unchanged. The memory of another folder is dropped. */
  static async read(memory: Memory, folder: string, stay: boolean): Promise<TakenMails> {
    const none: State = { folder, newest: 0, open: [], recent: [] };
    const text = await memory.read();
    const known = text === undefined ? none : { ...none, ...(JSON.parse(text) as State) };
    return new TakenMails(memory, stay, known.folder === folder ? known : none);
  }

  get link(): string | undefined {
    return this.#state.link;
  }

  /** When everything is read again: mails before this need not be listed. */
  get since(): number | undefined {
    const { newest } = this.#state;
    return this.#stay && newest > 0 ? newest - DAY : undefined;
  }

  /** What happened to a mail before; undefined if it has not been taken. */
  fate(mail: MailFacts): Fate | undefined {
    const { open, recent } = this.#state;
    const wanted = hash(mail);
    const [, fate] = open.find(([one]) => one === wanted) ?? [];
    return fate ?? (recent.includes(wanted) ? 'taken' : undefined);
  }

  /** How many messages of the mail were stored by an earlier try. */
  begun(mail: MailFacts): number {
    const [of, messages] = this.#state.begun ?? [];
    return of === hash(mail) && messages !== undefined ? messages : 0;
  }

  /** Notes that this many messages of the mail, but not all, are stored. */
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

  /** Forgets a mail that was cleared away; made durable by the next `add` or `moveOn`. */
  forget(mail: MailFacts): void {
    const gone = hash(mail);
    this.#state = { ...this.#state, open: this.#state.open.filter(([one]) => one !== gone) };
  }

  /** The next look begins at this link. Refused mails are not reported again. */
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
