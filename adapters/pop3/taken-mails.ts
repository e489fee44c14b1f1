import { createHash } from 'node:crypto';
import { type Memory, NotConnectedError } from 'waybill/adapter';

const HASH_LENGTH = 12;
/** How many mails are recognised after the server renamed them. */
const RECENT = 2_000;
/** What is remembered has to fit into one value of the state: 60,000 times 12 characters. */
const MOST = 60_000;

/** `left`: the settings do not ask for it. */
export type Fate = 'taken' | 'refused' | 'left';

/** A mail that is in the mailbox now. */
export interface PresentMail {
  readonly uid: string;
  /** As the sender wrote it; `''` if there is none, or if it is not known yet. */
  readonly messageId: string;
}

interface State {
  /** Whose mails these are; the memory of another mailbox is dropped. */
  readonly mailbox: string;
  /** What decided which mails are left. */
  readonly filter: string;
  /** Hashes of the names (UIDL) of mails that may still be in the mailbox, joined. */
  readonly taken: string;
  readonly refused: string;
  readonly left: string;
  /** Hashes of the Message-IDs of recently taken mails; only if they stay in the mailbox. */
  readonly recent: readonly string[];
  /** Those of mails taken before the server renamed all of them. */
  readonly before: readonly string[];
  /** How many messages of a mail are already stored. */
  readonly begun?: readonly [hash: string, messages: number] | undefined;
}

/**
 * What was taken, as far as the mailbox itself does not show it: deletions are final only at the
 * end of a session. Stored durably, so that a mail is not taken twice if a session is cut.
 */
export class TakenMails {
  readonly #memory: Memory;
  readonly #stay: boolean;
  #state: State;
  readonly #fates: Map<string, Fate>;
  /** The hashes of each fate; undefined after one was removed. */
  #joined: Record<Fate, string> | undefined;
  #changed = false;

  private constructor(memory: Memory, stay: boolean, state: State) {
    this.#memory = memory;
    this.#stay = stay;
    this.#state = state;
    this.#fates = new Map([
      ...split(state.left).map((one) => [one, 'left'] as const),
      ...split(state.refused).map((one) => [one, 'refused'] as const),
      ...split(state.taken).map((one) => [one, 'taken'] as const),
    ]);
  }

  /**
   * @param about.filter what decides which mails are left alone: after a change those are looked at again
   * @param about.stay taken mails are left in the mailbox
   */
  static async read(
    memory: Memory,
    {
      mailbox,
      filter,
      stay,
    }: { readonly mailbox: string; readonly filter: string; readonly stay: boolean },
  ): Promise<TakenMails> {
    const none: State = {
      mailbox,
      filter,
      taken: '',
      refused: '',
      left: '',
      recent: [],
      before: [],
    };
    const text = await memory.read();
    const known = text === undefined ? none : { ...none, ...(JSON.parse(text) as State) };
    if (known.mailbox !== mailbox) return new TakenMails(memory, stay, none);
    const left = known.filter === filter ? known.left : '';
    return new TakenMails(memory, stay, { ...known, filter, left });
  }

  /**
   * Forgets what is no longer in the mailbox. True if nothing known is there although mails are:
   * the server may have renamed them, so those that were taken are recognised by their Message-ID.
   */
  enter(mails: readonly { readonly uid: string }[]): boolean {
    const there = new Set(mails.map(({ uid }) => hash(uid)));
    const gone = [...this.#fates.keys()].filter((one) => !there.has(one));
    const isRenamed = there.size > 0 && gone.length > 0 && gone.length === this.#fates.size;
    this.#remove(gone);
    const { recent } = this.#state;
    if (!isRenamed || !this.#stay || recent.length === 0) return false;
    this.#state = { ...this.#state, before: recent };
    return true;
  }

  /** What happened to a mail before; undefined if it has not been taken. */
  fate({ uid }: { readonly uid: string }): Fate | undefined {
    return this.#fates.get(hash(uid));
  }

  /** Whether a mail was taken under another name, before the server renamed all of them. */
  isRenamed({ messageId }: PresentMail): boolean {
    return messageId !== '' && this.#state.before.includes(hash(messageId));
  }

  /** How many messages of the mail were stored by an earlier try. */
  begun({ uid }: PresentMail): number {
    const [of, messages] = this.#state.begun ?? [];
    return of === hash(uid) && messages !== undefined ? messages : 0;
  }

  /** Notes that this many messages of the mail, but not all, are stored. */
  noteBegun({ uid }: PresentMail, messages: number): Promise<void> {
    this.#state = { ...this.#state, begun: [hash(uid), messages] };
    return this.#write();
  }

  /** Notes that the mail was taken, or never will be; resolves once that is durable. */
  add({ uid, messageId }: PresentMail, fate: Exclude<Fate, 'left'>): Promise<void> {
    if (this.#fates.size >= MOST) {
      throw new NotConnectedError(
        `Not connected: the mailbox has more than ${MOST} mails that are remembered. Have it cleared, or use afterwards delete.`,
      );
    }
    this.#set(uid, fate);
    const { recent } = this.#state;
    const isKept = this.#stay && messageId !== '';
    this.#state = {
      ...this.#state,
      recent: isKept ? [...recent, hash(messageId)].slice(-RECENT) : recent,
      begun: undefined,
    };
    return this.#write();
  }

  /** Notes that the settings do not ask for the mail; made durable by the next write. */
  leave({ uid }: { readonly uid: string }): void {
    if (this.#fates.size >= MOST) return;
    this.#set(uid, 'left');
    this.#changed = true;
  }

  /** Forgets mails that are deleted for good; made durable by the next write. */
  forget(uids: readonly string[]): void {
    this.#remove(uids.map(hash));
  }

  #set(uid: string, fate: Fate): void {
    const own = hash(uid);
    this.#fates.set(own, fate);
    if (this.#joined !== undefined) this.#joined[fate] += own;
  }

  #remove(hashes: readonly string[]): void {
    if (hashes.length === 0) return;
    for (const one of hashes) this.#fates.delete(one);
    this.#joined = undefined;
    this.#changed = true;
  }

  /** The mailbox was handled to its end: from then on the new names are sufficient. */
  wholeRound(): void {
    if (this.#state.before.length === 0) return;
    this.#state = { ...this.#state, before: [] };
    this.#changed = true;
  }

  /** Makes durable what was only noted. */
  async save(): Promise<void> {
    if (this.#changed) await this.#write();
  }

  async #write(): Promise<void> {
    this.#joined ??= joined(this.#fates);
    this.#state = { ...this.#state, ...this.#joined };
    await this.#memory.write(JSON.stringify(this.#state));
    this.#changed = false;
  }
}

function joined(fates: ReadonlyMap<string, Fate>): Record<Fate, string> {
  const all = { taken: '', refused: '', left: '' };
  for (const [one, fate] of fates) all[fate] += one;
  return all;
}

const split = (hashes: string): readonly string[] => hashes.match(/.{12}/g) ?? [];

/** Names and Message-IDs may contain names of people: only hashes are remembered. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, HASH_LENGTH);
}
