import { RejectedError, SuspendError, TemporaryError } from 'waybill/adapter';
import { meaning } from './smtp-answer.ts';
import type { Refusal } from './smtp-session.ts';

/** What to do with a mail of which the server takes only some recipients. */
export type RefusedPolicy = 'reject' | 'continue' | 'suspend';

/** How many partly delivered messages are remembered. */
const MOST = 10_000;

const SERVED = new WeakMap<object, Map<number, ReadonlySet<string>>>();

/** An adapter that lost its connection is opened anew with the same settings, and must know still. */
function servedWith(settings: object): Map<number, ReadonlySet<string>> {
  const served = SERVED.get(settings) ?? new Map();
  SERVED.set(settings, served);
  return served;
}

/**
 * Decides on mails that the server takes for some recipients and not for others. `reject` and
 * `suspend` let nobody have it; if the server only asks to wait for the rest, all wait. `continue`
 * delivers to those it takes, and tries again for those that must wait and only for them.
 */
export class RefusedRecipients {
  readonly #policy: RefusedPolicy;
  /** Message id → who has it already. Lost with the process: then they may get it twice. */
  readonly #served: Map<number, ReadonlySet<string>>;

  constructor(settings: { readonly refusedRecipients: RefusedPolicy }) {
    this.#policy = settings.refusedRecipients;
    this.#served = servedWith(settings);
  }

  /** Who still is to get the message. */
  remaining(id: number, recipients: readonly string[]): readonly string[] {
    const served = this.#served.get(id);
    return served === undefined ? recipients : recipients.filter((one) => !served.has(one));
  }

  /** Called before the mail is sent; throws unless it may go to the others. */
  judge(refusals: readonly Refusal[], recipients: number): void {
    if (this.#policy === 'continue') return;
    const final = refusals.filter(isFinal);
    const text = `${refusals.length} of ${recipients} recipients were refused (${codes(refusals)}). Nobody got the mail.`;
    const detail = { detail: describe(refusals) };
    if (final.length === 0) throw new TemporaryError(text, detail);
    if (this.#policy === 'reject') throw new RejectedError(text, detail);
    throw new SuspendError(
      `${text} Correct the recipients and resend, or have the mailboxes made.`,
      detail,
    );
  }

  /**
   * Called once the mail was delivered to the others. Throws a TemporaryError while some are to wait.
   * Returns those that were refused for good.
   */
  settle(
    id: number,
    recipients: readonly string[],
    refusals: readonly Refusal[],
  ): readonly Refusal[] {
    const waiting = refusals.filter((one) => !isFinal(one));
    if (waiting.length === 0) {
      this.#served.delete(id);
      return refusals;
    }
    const missing = new Set(waiting.map(({ recipient }) => recipient));
    const served = recipients.filter((one) => !missing.has(one));
    this.#remember(id, new Set([...(this.#served.get(id) ?? []), ...served]));
    throw new TemporaryError(
      `Delivered to some; ${waiting.length} of ${recipients.length} recipients are to wait (${codes(waiting)}). Only they get the next try.`,
      { detail: describe(waiting) },
    );
  }

  #remember(id: number, served: ReadonlySet<string>): void {
    this.#served.delete(id);
    this.#served.set(id, served);
    const [oldest] = this.#served.keys();
    if (this.#served.size > MOST && oldest !== undefined) this.#served.delete(oldest);
  }
}

const isFinal = ({ answer }: Refusal): boolean => answer.status >= 500;

function codes(refusals: readonly Refusal[]): string {
  return [...new Set(refusals.map(({ answer }) => `${answer.code}${meaning(answer)}`))].join('; ');
}

/** With addresses: for the trace. */
export function describe(refusals: readonly Refusal[]): string {
  return refusals
    .map(({ recipient, answer }) => `${recipient}: ${answer.code} ${answer.text}`)
    .join('; ');
}
