import type { LentInbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { MailPart } from './mail-part.ts';
import type { TakeSettings } from './take-settings.ts';

/** What became of a mail. `later`: the engine accepts nothing now; `gone`: it is not in the folder any more. */
export type MailFate = 'taken' | 'gone' | 'refused' | 'later';

type Take = TakeSettings['take'];

/** What is durably remembered of mails, so that none is taken twice. */
interface MailMemory<Mail> {
  /** How many messages of the mail were stored by an earlier try. */
  begun(mail: Mail): number;
  noteBegun(mail: Mail, messages: number): Promise<void>;
  add(mail: Mail, fate: 'taken' | 'refused'): Promise<void>;
}

interface MailIntakeLent<Mail> extends Pick<LentInbound<Settings>, 'deliver'> {
  readonly settings: Pick<TakeSettings, 'take' | 'withoutAttachment'> & {
    readonly failed: string | undefined;
  };
  readonly taken: MailMemory<Mail>;
  /** Tells of a mail; `text` goes on after its description and ends without a full stop. */
  readonly tell: (level: 'warn' | 'error', name: string, mail: Mail, text: string) => void;
}

interface Known {
  readonly origin: string;
  /** Distinguishes the mail and the kind of message from all others. */
  readonly key: string;
}

/** What every adapter that takes mails does with one, wherever it reads it from. */
export class MailIntake<Mail> {
  readonly #lent: MailIntakeLent<Mail>;
  #isStoring = false;

  constructor(lent: MailIntakeLent<Mail>) {
    this.#lent = lent;
  }

  /** Takes a mail as the settings say; `deliver` stores what it has of that kind, perhaps nothing. */
  async take(mail: Mail, deliver: (take: Take) => Promise<MailFate | 'empty'>): Promise<MailFate> {
    const { settings, taken, tell } = this.#lent;
    const first = await deliver(settings.take);
    if (first !== 'empty') return first;
    if (settings.withoutAttachment === 'mail') {
      const whole = await deliver('mail');
      return whole === 'empty' ? 'gone' : whole;
    }
    tell('warn', 'mail-skipped', mail, 'has no matching attachment and was set aside');
    await taken.add(mail, 'taken');
    return 'taken';
  }

  /** Whether a message is being stored at the moment. */
  get isStoring(): boolean {
    return this.#isStoring;
  }

  /**
   * Stores the messages of a mail as `store` does, and remembers that it is taken. `cut` says what ended the reading: the
   * engine may have refused a message only for that. Throws it.
   */
  async storeWhole(
    mail: Mail,
    parts: AsyncIterable<MailPart>,
    { cut, ...known }: Known & { readonly cut: () => Error | undefined },
  ): Promise<MailFate | 'empty'> {
    try {
      this.#isStoring = true;
      if ((await this.store(mail, parts, known)) === 0) return 'empty';
    } catch (error) {
      const reason = cut();
      if (reason !== undefined) throw reason;
      return error instanceof EngineError
        ? await this.undelivered(mail, error)
        : await this.refuse(mail, 'it could not be read as a mail');
    } finally {
      this.#isStoring = false;
    }
    await this.#lent.taken.add(mail, 'taken');
    return 'taken';
  }

  /**
   * Stores the messages of a mail as they come, and returns how many it has; those that an earlier try stored are not
   * stored again.
   */
  async store(mail: Mail, parts: AsyncIterable<MailPart>, { origin, key }: Known): Promise<number> {
    const { deliver, taken } = this.#lent;
    const begun = taken.begun(mail);
    let messages = 0;
    for await (const part of parts) {
      messages += 1;
      if (messages <= begun) continue;
      if (messages > 1) await taken.noteBegun(mail, messages - 1);
      await deliver({ ...part, origin, dedupeKey: `${key} ${messages}` });
    }
    return messages;
  }

  /** For a part that contains others and could not be opened. */
  readonly notOpened =
    (mail: Mail) =>
    (what: string): void =>
      this.#lent.tell(
        'warn',
        'mail-not-opened',
        mail,
        `contains a part that was not opened: ${what}`,
      );

  /** The engine did not accept a message of it. */
  async undelivered(mail: Mail, { retryable, message }: EngineError): Promise<MailFate> {
    if (!retryable) return await this.refuse(mail, message);
    this.#lent.tell('warn', 'mail-waits', mail, `stays until the engine accepts it: ${message}`);
    return 'later';
  }

  /** It can never be taken, which is remembered. */
  async refuse(mail: Mail, why: string): Promise<MailFate> {
    const { settings, taken, tell } = this.#lent;
    const { failed } = settings;
    const where = failed === undefined ? 'stays where it is' : `goes to ${failed}`;
    tell('error', 'mail-refused', mail, `is not taken and ${where}: ${why}`);
    await taken.add(mail, 'refused');
    return 'refused';
  }
}
