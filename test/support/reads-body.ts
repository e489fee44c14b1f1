import { workerData } from 'node:worker_threads';
import { documentInTurns, documentOf } from '../../src/document/index.ts';
import { isEngineError } from '../../src/error/engine-error.ts';

/**
 * A thread that reads a body, asks for one thing, and changes one in a copy. Its owner limits its memory; what is refused for
 * what the body is, is refused.
 */
const { bytes, type, asked, set } = workerData as {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly asked: readonly string[];
  readonly set: string;
};

try {
  const document = (await documentInTurns(bytes, { type })) ?? documentOf(bytes, { type });
  for (const path of asked) document.get(path);
  const copy = document.copy();
  copy.set(set, '7');
  copy.bytes();
} catch (error) {
  if (!isEngineError(error)) throw error;
}
