import { EngineError } from '../error/engine-error.ts';
import type { TokenKeys } from './token-keys.ts';

/** Evaluation starts again for each token, so this many of one message take long enough. */
const MOST = 100;

/**
 * Expressions are evaluated at once, and tokens are not: an expression that needs one stops here, and
 * is evaluated again once the token is there. Expressions have no effects, so that does no harm.
 */
export class TokenAnswers {
  readonly keys: TokenKeys;
  /** Made for the first: most evaluations need none. */
  #known: Map<string, Settled> | undefined;
  #waiting: Promise<void> | undefined;

  constructor(keys: TokenKeys) {
    this.keys = keys;
  }

  /** The answer to what was asked in an earlier turn; otherwise begins `work` and throws. `question` is the same for the same. */
  of<Value>(question: string, work: (keys: TokenKeys) => Promise<Value>): Value {
    const answers = (this.#known ??= new Map<string, Settled>());
    const known = answers.get(question);
    if (known !== undefined) {
      if ('error' in known) throw known.error;
      return known.value as Value;
    }
    if (answers.size >= MOST) {
      throw new EngineError(
        'EXPRESSION_TOO_COSTLY',
        `it asked for more than ${MOST} tokens. Make or check them in TypeScript`,
      );
    }
    this.#waiting ??= work(this.keys).then(
      (value) => void answers.set(question, { value }),
      (error: unknown) => void answers.set(question, { error }),
    );
    throw new EngineError('EXPRESSION_FAILED', 'the token is not there yet');
  }

  /** Resolves once the token is there for which an expression stopped; undefined if none did. */
  waiting(): Promise<void> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

type Settled = { readonly value: unknown } | { readonly error: unknown };

/** Does work that evaluates expressions, again after each token that they need. A promise only where they need one. */
export function withTokens<Value>(
  keys: TokenKeys | undefined,
  work: (tokens: TokenAnswers | undefined) => Value,
): Value | Promise<Value> {
  if (keys === undefined) return work(undefined);
  const tokens = new TokenAnswers(keys);
  const turn = attempt(tokens, work);
  return 'waiting' in turn ? repeated(tokens, work, turn.waiting) : turn.value;
}

async function repeated<Value>(
  tokens: TokenAnswers,
  work: (tokens: TokenAnswers) => Value,
  first: Promise<void>,
): Promise<Value> {
  let waiting = first;
  for (;;) {
    await waiting;
    const turn = attempt(tokens, work);
    if (!('waiting' in turn)) return turn.value;
    waiting = turn.waiting;
  }
}

type Turn<Value> = { readonly value: Value } | { readonly waiting: Promise<void> };

function attempt<Value>(tokens: TokenAnswers, work: (tokens: TokenAnswers) => Value): Turn<Value> {
  try {
    const value = work(tokens);
    const waiting = tokens.waiting();
    return waiting === undefined ? { value } : { waiting };
  } catch (error) {
    // what it says of a missing token is only true until that is there
    const waiting = tokens.waiting();
    if (waiting === undefined) throw error;
    return { waiting };
  }
}
