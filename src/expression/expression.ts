import type { Document } from '../document/document.ts';
import type { Envelope } from '../message/message.ts';
import type { ExpressionFacts } from './facts.ts';
import type { TokenAnswers } from './token-answers.ts';

/** What an expression sees of one message. The document is made on the first `field()` and kept. */
export interface Scope {
  readonly message: Envelope;
  document(): Document;
  /** The whole message, where `document` is a part that a transform has split off. */
  readonly whole?: Document | undefined;
  /** The turns of the surrounding loops of a transform, outermost first. */
  readonly loops?: readonly { readonly over: string; readonly turn: number }[] | undefined;
  /** What `jwt` gave and gives; without it, `jwt` fails. */
  readonly tokens?: TokenAnswers | undefined;
}

/** A compiled and type-checked CEL expression. Evaluation is synchronous and free of side effects. */
export interface Expression<Value = unknown> {
  /** As written in the production. */
  readonly source: string;
  /** Whether it reads the body; if not, a large body is not fetched. */
  readonly readsBody: boolean;
  /** What can be told from its text alone; left out if no user wrote it. */
  readonly facts?: ExpressionFacts | undefined;
  /** Throws an EngineError `EXPRESSION_FAILED` that names the expression and never quotes a value. */
  evaluate(scope: Scope): Value;
}
