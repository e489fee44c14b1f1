import { DisableError, NotConnectedError } from '../error/adapter-error.ts';

/**
 * Connects to the first of several addresses that answers. Throws any error but a NotConnectedError at once: a refused
 * password is refused by the others, too; otherwise the last NotConnectedError.
 *
 * @param what what an address is of, for the error if there is none: `broker`
 */
export async function firstReached<Place, Connection>(
  addresses: readonly Place[],
  connect: (address: Place) => Promise<Connection>,
  { signal, what }: { readonly signal: AbortSignal; readonly what: string },
): Promise<Connection> {
  let failure: Error | undefined;
  for (const address of addresses) {
    try {
      return await connect(address);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NotConnectedError)) throw error;
      failure = error;
    }
  }
  throw failure ?? new DisableError(`connect is empty. Name a ${what}.`);
}
