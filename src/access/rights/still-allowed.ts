import type { FastifyRequest } from 'fastify';
import { ApiError } from '../../web/api-error.ts';
import type { Principal } from './principal.ts';
import { principalOf } from './require-permission.ts';

/** Milliseconds between two questions while a long answer is sent. */
const EVERY = 1_000;
/**
 * Milliseconds for which an answer goes on whose access token has expired since it began: such a token is short-lived, and
 * its reader can renew it, but not that of an answer that is under way.
 */
const FINISHING = 3_600_000;

/**
 * Whether the same person may still see the same things.
 *
 * @param at a token that was valid then counts, if it was not revoked since
 */
export async function isStillAllowed(
  { signInAgain }: Pick<FastifyRequest, 'signInAgain'>,
  before: Principal,
  at?: number,
): Promise<boolean> {
  if (signInAgain === undefined) return true;
  const now = await signInAgain(at);
  return (
    now !== undefined &&
    [...before.permissions].every((one) => now.permissions.has(one)) &&
    now.unmasked === before.unmasked &&
    JSON.stringify(now.visibleHosts) === JSON.stringify(before.visibleHosts)
  );
}

/**
 * The parts of a long answer, for as long as its reader may have them: who reads slowly must not go on reading after they
 * were signed out. The answer breaks off, so that nobody takes it for the whole. That an access token expires meanwhile
 * ends nothing for an hour.
 */
export async function* whileAllowed<Part>(
  request: FastifyRequest,
  parts: AsyncIterable<Part>,
  now: () => number = () => performance.now(),
): AsyncGenerator<Part> {
  const principal = principalOf(request);
  const [began, at] = [now(), Date.now()];
  let asked = began;
  for await (const part of parts) {
    if (now() - asked >= EVERY) {
      const finishing = now() - began < FINISHING ? at : undefined;
      if (!(await isStillAllowed(request, principal, finishing)))
        throw new ApiError(401, 'SIGN_IN_REQUIRED', 'sign in first');
      asked = now();
    }
    yield part;
  }
}
