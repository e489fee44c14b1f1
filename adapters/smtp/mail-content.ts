import { Readable } from 'node:stream';
import type { Mail } from './mail.ts';
import { asError } from './smtp-failure.ts';

/** Whether the server asked for the mail, and whether all of it was read. */
export type Progress = 'unread' | 'reading' | 'read';

/**
 * A mail being sent over a connection. Nothing is generated before nodemailer pipes it, once the
 * server has judged the recipients and asked for the mail: that is the moment to stop it.
 */
export class MailContent extends Readable {
  progress: Progress = 'unread';
  /** Why we stopped the mail: the policy on recipients, or a body that could not be read. */
  failure: Error | undefined;
  readonly #mail: Pick<Mail, 'content'>;
  readonly #judge: () => void;
  #source: Readable | undefined;

  /** `judge` throws if the mail should not be sent. */
  constructor(mail: Pick<Mail, 'content'>, judge: () => void) {
    super();
    this.#mail = mail;
    this.#judge = judge;
  }

  override pipe<Destination extends NodeJS.WritableStream>(destination: Destination): Destination {
    this.progress = 'reading';
    try {
      this.#judge();
      const source = this.#mail.content((error) => this.#breakOff(error));
      this.#source = source;
      source.on('error', (error) => this.#breakOff(error));
      source.once('end', () => {
        this.progress = 'read';
      });
      return source.pipe(destination);
    } catch (error) {
      this.#breakOff(error);
      return destination;
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source?.destroy();
    done(error);
  }

  /** Not with the error itself: nodemailer writes its own codes into the errors it gets. */
  #breakOff(error: unknown): void {
    this.failure ??= asError(error);
    this.destroy(new Error('broken off', { cause: error }));
  }
}
