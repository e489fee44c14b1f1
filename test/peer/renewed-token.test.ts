import { expect, test } from 'vitest';
import type { Credential } from '../../src/adapter/credential.ts';
import { DisableError, NotConnectedError } from '../../src/error/adapter-error.ts';
import { withRenewedToken } from '../../src/peer/renewed-token.ts';

const { signal } = new AbortController();

/** Signs in with the credential `it` at a peer that takes one token; returns what was shown to it. */
async function shownTo(
  taken: string,
  it: Credential,
  refusal: Error = new DisableError('refused'),
): Promise<string[]> {
  const shown: string[] = [];
  const lent = { credential: (_: string) => Promise.resolve(it) };
  await withRenewedToken(lent, async ({ credential }) => {
    const found = await credential('it');
    const token = found.kind === 'oauth2' ? await found.token(signal) : 'none';
    shown.push(token);
    if (token !== taken) throw refusal;
    // a connection that lasts shows it again
    if (found.kind === 'oauth2') shown.push(await found.token(signal));
  }).catch((error: unknown) => shown.push(String(error === refusal)));
  return shown;
}

const oauth2 = (fresh: string): Credential => ({
  kind: 'oauth2',
  token: async (_, options) => (options?.fresh === true ? fresh : 'old'),
});

test('a refused token is renewed once, and what is asked for later is not', async () => {
  expect(await shownTo('old', oauth2('new'))).toEqual(['old', 'old']);
  expect(await shownTo('new', oauth2('new'))).toEqual(['old', 'new', 'old']);
  expect(await shownTo('another', oauth2('new'))).toEqual(['old', 'new', 'true']);
});

test('the same token, a password, or a peer that cannot be reached is not tried twice', async () => {
  expect(await shownTo('new', oauth2('old'))).toEqual(['old', 'true']);
  const basic = { kind: 'basic', user: 'hub', password: 'x' } as const;
  expect(await shownTo('new', basic)).toEqual(['none', 'true']);
  expect(await shownTo('new', oauth2('new'), new NotConnectedError('away'))).toEqual([
    'old',
    'true',
  ]);
});
