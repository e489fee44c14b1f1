import { createHash } from 'node:crypto';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { withTokens } from '../expression/token-answers.ts';
import { describeSize } from '../time/size.ts';
import { WorkTurn } from '../time/work-turn.ts';
import { type Declaration, DeclarativeTransform } from './declarative-transform.ts';
import { type Parts, partsOf } from './split/parts-of.ts';
import type { Split } from './split/read-split.ts';
import type { Transform, TransformInput, TransformOutput } from './transform.ts';

/** How many bytes the messages made from one may have in total: they are held in memory until they are stored. */
const MADE_LIMIT = 128 * 1024 * 1024;

/** A transform made of steps that makes a message from each part of the incoming one. */
export class SplitTransform implements Transform {
  readonly name: string;
  readonly keepsDocument = true;
  readonly declaration: Declaration;
  readonly #one: DeclarativeTransform;
  readonly #split: Split;

  constructor(one: DeclarativeTransform, split: Split) {
    this.name = one.name;
    this.declaration = one.declaration;
    this.#one = one;
    this.#split = split;
  }

  async apply(input: TransformInput): Promise<TransformOutput[]> {
    const batches = await this.#batches(input);
    const outputs: TransformOutput[] = [];
    let bytes = 0;
    const turn = new WorkTurn();
    for (const [at, make] of batches.entries()) {
      if (turn.isOver()) await turn.next();
      const [part, parts] = [at + 1, batches.length];
      const message = { ...input.message, part, parts };
      const { document } = input;
      try {
        const making = this.#one.apply({ ...input, message, document: make(), whole: document });
        const made = making instanceof Promise ? await making : making;
        for (const output of made) {
          bytes += output.body.byteLength;
          outputs.push({ ...output, part, parts, content: () => this.#digest(make()) });
        }
      } catch (error) {
        throw this.#failed(error, `part ${part} of ${parts}`);
      }
      if (bytes > MADE_LIMIT) throw this.#tooLarge(part);
    }
    return outputs;
  }

  #digest(part: TransformInput['document']): string {
    return createHash('sha1').update(`${this.name}\0`).update(part.bytes()).digest('base64url');
  }

  /** What each message is made from. */
  async #batches(input: TransformInput): Promise<readonly (() => TransformInput['document'])[]> {
    const { size = 1, most } = this.#split;
    const parts = this.#parts(input);
    const chosen = await this.#chosen(input, parts);
    const count = Math.ceil(chosen.length / size);
    if (count > most) {
      const text = `it would make ${count} messages, and split.most is ${most}. Raise most, or put several parts into one message with split.size.`;
      throw this.#failed(new EngineError('MESSAGE_TOO_LARGE', text));
    }
    return Array.from({ length: count }, (_, at) => {
      const numbers = chosen.slice(at * size, (at + 1) * size);
      return () => parts.make(numbers);
    });
  }

  #parts({ document }: TransformInput): Parts {
    const { each, empty } = this.#split;
    try {
      const parts = partsOf(document, this.#split);
      const refused = empty === undefined ? parts.missing : empty === 'suspend';
      if (parts.count > 0 || !refused) return parts;
      const remedy = empty === undefined ? '. If that is normal, write split.empty: discard' : '';
      throw new EngineError('TRANSFORM_FAILED', `there is no ${each} to split by${remedy}`);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #chosen(input: TransformInput, parts: Parts): Promise<number[]> {
    const { when } = this.#split;
    const numbers = Array.from({ length: parts.count }, (_, at) => at + 1);
    if (when === undefined) return numbers;
    const { message, document: whole } = input;
    const chosen: number[] = [];
    const turn = new WorkTurn();
    for (const number of numbers) {
      if (turn.isOver()) await turn.next();
      const document = parts.make([number]);
      try {
        const judging = withTokens(input.jwt, (tokens) =>
          when.evaluate({ message, document: () => document, whole, tokens }),
        );
        if (judging instanceof Promise ? await judging : judging) chosen.push(number);
      } catch (error) {
        throw this.#failed(error, `part ${number} of ${parts.count}`);
      }
    }
    return chosen;
  }

  #tooLarge(part: number): EngineError {
    const text = `the first ${part} messages have more than ${describeSize(MADE_LIMIT)} in total. Make them smaller, or route the whole message to a process that sends them one by one`;
    return this.#failed(new EngineError('MESSAGE_TOO_LARGE', text));
  }

  #failed(error: unknown, where = 'split'): EngineError {
    if (!isEngineError(error)) throw error;
    const text = error.message.replace(`Transform ${this.name}, `, '');
    const { retryable } = error;
    return new EngineError('TRANSFORM_FAILED', `Transform ${this.name}, ${where}: ${text}`, {
      retryable,
      cause: error,
    });
  }
}

/** What a transform made of steps declares; undefined for one in code. */
export function declarationOf(transform: Transform | undefined): Declaration | undefined {
  const isOfSteps =
    transform instanceof DeclarativeTransform || transform instanceof SplitTransform;
  return isOfSteps ? transform.declaration : undefined;
}
