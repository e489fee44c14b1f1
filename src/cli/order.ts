import { createHash, randomUUID } from 'node:crypto';
import { InvalidArgumentError, Option } from 'commander';
import { EngineError, isEngineError } from '../error/engine-error.ts';

/** Makes a command that acts safe to be given again. */
export const orderOption = (): Option =>
  new Option(
    '--order <name>',
    'names the order: given again under the same name within a day, it is done once',
  ).argParser((text) => {
    if (/^\S{1,200}$/.test(text)) return text;
    throw new InvalidArgumentError('it is one word of at most 200 characters');
  });

/**
 * Gives an order under a name (a new one unless one is given), so that it is carried out only once, however often it is
 * repeated. If no answer came, and so nobody knows what became of it, the error says under which name to give it again.
 *
 * @param content what the order is about: the same name with other content is another order
 */
export async function ordered<Result>(
  name: string | undefined,
  content: readonly unknown[],
  give: (order: string) => Promise<Result>,
): Promise<Result> {
  const known = name ?? randomUUID();
  const hash = createHash('sha256').update(JSON.stringify([known, ...content]));
  try {
    return await give(`cli-${hash.digest('hex')}`);
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'BROKER_UNAVAILABLE') throw error;
    throw new EngineError(
      'BROKER_UNAVAILABLE',
      `${error.message}. It may have been carried out all the same: give the same command again with --order ${known}, and it is carried out once`,
      { retryable: true, cause: error },
    );
  }
}
