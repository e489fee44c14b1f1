import { EngineError } from '../error/engine-error.ts';
import type { Expression, Scope } from '../expression/expression.ts';

/** The new message is what a value holds in base64, such as a PDF in OBX-5.5. */
export interface Decoding {
  readonly base64: Expression<string>;
}

/** Throws TRANSFORM_FAILED for nothing, and for what is not base64: a decoder would make some bytes of anything. */
export function decoded({ base64 }: Decoding, scope: Scope): Buffer {
  // line ends and blanks within it mean nothing
  const text = base64.evaluate(scope).replaceAll(/\s+/g, '');
  if (text === '') throw new EngineError('TRANSFORM_FAILED', 'what base64 names is empty');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return bytes;
  throw new EngineError('TRANSFORM_FAILED', 'what base64 names is not base64');
}
