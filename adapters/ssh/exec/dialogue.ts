import {
  type Credential,
  DisableError,
  type Lent,
  type Message,
  RejectedError,
  type setting,
} from 'waybill/adapter';
import type { Becoming } from './become.ts';
import type { Expected } from './exec-settings.ts';

/** A question that a command may ask, with the answer to give. */
export interface PromptAnswer {
  readonly asks: (text: string) => boolean;
  readonly text: string;
  /** Must not appear in the output of the command. */
  readonly isSecret: boolean;
}

/** Why a command does not continue: it did not accept an answer. */
export type Refused = 'become' | 'answer';

/** The longest line that may be a question. */
const LONGEST_LINE = 4_096;
/** How much is kept of the output before the command itself begins. */
const LONGEST_PRELUDE = 65_536;

/**
 * The dialogue with a command before and while it runs: becoming another user asks for a password first, then the
 * command itself may ask. Each question is answered once.
 */
export class Dialogue {
  readonly #becoming: Becoming | undefined;
  readonly #answers: readonly PromptAnswer[];
  readonly #given = new Set<PromptAnswer>();
  readonly #say: (text: string) => void;
  #prelude = '';
  #line = '';
  #begun: boolean;
  /** Of the command that runs as another user: its number on the server. */
  pid: number | undefined;

  constructor(
    {
      becoming,
      answers,
    }: { readonly becoming?: Becoming | undefined; readonly answers: readonly PromptAnswer[] },
    say: (text: string) => void,
  ) {
    this.#becoming = becoming;
    this.#answers = answers;
    this.#say = say;
    this.#begun = becoming === undefined;
  }

  /** Whether the command itself runs. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether no further question is expected. */
  get allGiven(): boolean {
    return this.#begun && this.#given.size === this.#answers.length;
  }

  /** Why the command never began, as far as known. */
  get prelude(): string {
    return this.#prelude;
  }

  /** Takes output; returns the command's own part of it, or why it must be ended. */
  hear(chunk: Buffer): Buffer | Refused {
    if (!this.#begun) return this.#before(chunk);
    if (this.#answers.length === 0) return chunk;
    return this.#ask(chunk.toString('latin1')) ?? chunk;
  }

  #before(chunk: Buffer): Buffer | Refused {
    this.#prelude = `${this.#prelude}${chunk.toString('latin1')}`.slice(-LONGEST_PRELUDE);
    const heard = this.#becoming?.hear(this.#prelude);
    if (heard === undefined) return Buffer.alloc(0);
    if (heard === 'refused') return 'become';
    this.#prelude = '';
    if (heard.kind === 'asked') {
      this.#say(`${heard.password}\n`);
      return Buffer.alloc(0);
    }
    this.#begun = true;
    this.pid = heard.pid;
    return this.hear(Buffer.from(heard.rest, 'latin1'));
  }

  #ask(came: string): Refused | undefined {
    const lines = `${this.#line}${came}`.split(/[\r\n]/);
    this.#line = (lines.at(-1) ?? '').slice(-LONGEST_LINE);
    if (this.#line === '') return undefined;
    const text = Buffer.from(this.#line, 'latin1').toString();
    const asked = this.#answers.filter(({ asks }) => asks(text));
    const answer = asked.find((one) => !this.#given.has(one));
    if (answer === undefined) return asked.length === 0 ? undefined : 'answer';
    this.#line = '';
    this.#given.add(answer);
    this.#say(`${answer.text}\n`);
    return undefined;
  }
}

/** The answers for a message. Throws RejectedError for one that would answer more than it is asked. */
export async function answersFor(
  expected: readonly (Expected | undefined)[],
  message: Message,
  { credential }: Pick<Lent<setting.Settings>, 'credential'>,
): Promise<readonly PromptAnswer[]> {
  const answers: PromptAnswer[] = [];
  for (const [index, one] of expected.entries()) {
    if (one === undefined) continue;
    const text =
      one.credential === undefined
        ? await checked(one.answer, message, index)
        : passwordOf(await credential(one.credential), one.credential);
    answers.push({ asks: one.prompt, text, isSecret: one.credential !== undefined });
  }
  return answers;
}

async function checked(
  template: setting.Template | undefined,
  message: Message,
  index: number,
): Promise<string> {
  const text = (await template?.render(message)) ?? '';
  if (!/\p{Cc}/u.test(text)) return text;
  throw new RejectedError(
    `The value of answer ${index + 1} has a control character, which could answer more than it is asked. Correct the message, or change the expression.`,
  );
}

/** Throws DisableError if the credential has none that can be typed. */
export function passwordOf(credential: Credential, name: string): string {
  const password =
    credential.kind === 'basic' || credential.kind === 'ssh-key' ? credential.password : undefined;
  if (password === undefined) {
    throw new DisableError(`The credential ${name} has no password. Give it one, or name another.`);
  }
  if (!/\p{Cc}/u.test(password)) return password;
  throw new DisableError(
    `The password of the credential ${name} has a control character, such as the end of a line, which cannot be typed. Correct it.`,
  );
}
