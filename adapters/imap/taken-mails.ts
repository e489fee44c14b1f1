import { createHash } from 'node:crypto';
import type { Memory } from 'waybill/adapter';
import type { MailFacts } from './imap-session.ts';

const HASH_LENGTH = 12;
/** How many mails are recognised after the server renumbered them. */
const RECENT = 2_000;
/** A server that renumbers its mails may shift them by its time zone. */
const DAY = 86_400_000;

/** `refused` mails are left where they are; taken ones are cleared away. */
type Fate = 'taken' | 'refused';
type Open = readonly [uid: number, hash: string, fate: Fate];

interface State {
  /** UIDVALIDITY that the numbers belong to. */
  readonly validity: string;
  /** Every mail up to this number is taken; only if they stay in the folder. */
  readonly floor: number;
  /** When the newest of them arrived. */
  readonly arrived: number;
  /** Taken, and possibly still unmarked in the folder: number and hash. */
  readonly open: readonly Open[];
  /** Hashes of recently taken mails; only if they stay in the folder. */
  readonly recent: readonly string[];
  /** Hashes of those that were taken before the numbers changed. */
  readonly before: readonly string[];
  /** How many messages of a mail are already stored. */
  readonly begun?: readonly [uid: number, messages: number] | undefined;
}

const FIRST: State = { validity: '', floor: 0, arrived: 0, open: [], recent: [], before: [] };

/**
 * What was taken, as far as the folder itself does not show it: mails that were stored but not yet
 * marked, moved or deleted; and all of them if they stay (`keep`). Stored durably, so that a mail
 * is not taken twice if the engine is killed between the steps.
 */
export class TakenMails {
  readonly #memory: Memory;
  readonly #stay: boolean;
  #state: State = FIRST;

  /** `stay`: taken mails are left in the folder unchanged. */
  constructor(memory: Memory, stay: boolean) {
    this.#memory = memory;
    this.#stay = stay;
  }

  /** Mails up to this UID need not be looked for. */
  get floor(): number {
    return this.#state.floor;
  }

  /** After the numbers changed: mails that arrived before this time need not be looked for. */
  get since(): Date | undefined {
    const { before, arrived } = this.#state;
    return this.#stay && before.length > 0 ? new Date(arrived - DAY) : undefined;
  }

  /** Reads the memory for a folder with this UIDVALIDITY. True if the server has renumbered since. */
  async enter(validity: string): Promise<boolean> {
    const text = await this.#memory.read();
    const known = text === undefined ? FIRST : { ...FIRST, ...(JSON.parse(text) as State) };
    this.#state = known;
    if (known.validity === validity) return false;
    const before = [...known.before, ...known.recent, ...known.open.map(([, one]) => one)];
    this.#state = { ...known, validity, floor: 0, open: [], recent: [], before, begun: undefined };
    return known.validity !== '';
  }

  /** What happened to a mail in an earlier round; undefined if it has not been taken. */
  fate(mail: MailFacts): Fate | undefined {
    const { floor, open, before } = this.#state;
    const [, , fate] = open.find(([uid]) => uid === mail.uid) ?? [];
    if (fate !== undefined) return fate;
    return mail.uid <= floor || before.includes(hash(mail)) ? 'taken' : undefined;
  }

  /** UIDs of the mails with this fate that may not have been handled yet. */
  open(fate: Fate): readonly number[] {
    return this.#state.open.flatMap(([uid, , of]) => (of === fate ? [uid] : []));
  }

  /** How many messages of the mail were stored by an earlier try. */
  begun({ uid }: MailFacts): number {
    const [of, messages] = this.#state.begun ?? [];
    return of === uid && messages !== undefined ? messages : 0;
  }

  /** Notes that this many messages of the mail, but not all, are stored. */
  noteBegun({ uid }: MailFacts, messages: number): Promise<void> {
    return this.#write({ ...this.#state, begun: [uid, messages] });
  }

  /** Notes that the mail was taken, or never will be; resolves once that is durable. */
  add(mail: MailFacts, fate: Fate): Promise<void> {
    const { open, recent, floor, arrived } = this.#state;
    if (!this.#stay) {
      const more: Open = [mail.uid, hash(mail), fate];
      return this.#write({ ...this.#state, open: [...open, more], begun: undefined });
    }
    return this.#write({
      ...this.#state,
      floor: Math.max(floor, mail.uid),
      arrived: Math.max(arrived, mail.arrived),
      recent: [...recent, hash(mail)].slice(-RECENT),
      begun: undefined,
    });
  }

  /** Forgets a mail that the folder now shows as taken; made durable by the next `add`. */
  forget({ uid }: MailFacts): void {
    this.#state = { ...this.#state, open: this.#state.open.filter(([one]) => one !== uid) };
  }

  /** Forgets all except the mails that still look untaken. */
  keepOnly(uids: readonly number[]): void {
    const there = new Set(uids);
    this.#state = { ...this.#state, open: this.#state.open.filter(([uid]) => there.has(uid)) };
  }

  /** Notes that the folder was handled to its end: from then on the new numbers are sufficient. */
  async wholeRound(highest: number): Promise<void> {
    const { before, recent, floor } = this.#state;
    if (before.length === 0) return;
    await this.#write({
      ...this.#state,
      floor: this.#stay ? Math.max(floor, highest) : floor,
      recent: this.#stay ? [...before, ...recent].slice(-RECENT) : recent,
      before: [],
    });
  }

  async #write(state: State): Promise<void> {
    await this.#memory.write(JSON.stringify(state));
    this.#state = state;
  }
}

/** Message-IDs sometimes contain names of people: only hashes are remembered. */
function hash({ messageId, subject, size, arrived }: MailFacts): string {
  const identity = messageId === '' ? `${subject}\n${size}\n${arrived}` : messageId;
  return createHash('sha256').update(identity).digest('base64url').slice(0, HASH_LENGTH);
}
