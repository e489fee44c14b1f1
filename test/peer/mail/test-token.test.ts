import { describe, expect, test } from 'vitest';
import { type TestStep } from '../../../src/adapter/index.ts';
import type { Step, StepFailure } from '../../../src/adapter/test-step.ts';
import { describeClaims, testToken, tokenClaims } from '../../../src/peer/index.ts';

const jwt = (claims: object): string =>
  ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'c2ln'].join('.');

async function stepOf(token: string, host: string): Promise<Partial<TestStep> | undefined> {
  let found: Partial<TestStep> | undefined;
  const step: Step = async (name, run) => {
    let detail: string | undefined;
    try {
      const value = await run((text) => {
        detail = text;
      });
      found = { name, result: 'passed', detail };
      return value;
    } catch (error) {
      const { message, remedy } = error as StepFailure;
      found = { name, result: 'failed', detail, cause: message, remedy };
      throw error;
    }
  };
  const lent = {
    signal: new AbortController().signal,
    credential: async () => ({ kind: 'bearer', token: async () => token }) as const,
  };
  await testToken(lent, step, { credential: 'c', host, role: 'SMTP.SendAsApp' }).catch(
    () => undefined,
  );
  return found;
}

describe('a token', () => {
  const good = {
    aud: 'https://outlook.office365.com',
    appid: 'app',
    tid: 'tenant',
    roles: ['SMTP.SendAsApp'],
    exp: 1_800_000_000,
  };

  test('tells whom it is for, with which permissions and until when', async () => {
    expect(await stepOf(jwt(good), 'smtp.office365.com')).toEqual({
      name: 'token',
      result: 'passed',
      detail:
        'token of application app in tenant tenant for https://outlook.office365.com: SMTP.SendAsApp; good until 2027-01-15T08:00:00Z',
    });
  });

  test.for([
    {
      claims: { ...good, aud: 'https://graph.microsoft.com' },
      cause: 'the token is for https://graph.microsoft.com, not for mail',
    },
    { claims: { ...good, roles: ['IMAP.AccessAsApp'] }, cause: 'the token lacks SMTP.SendAsApp' },
  ])('that Exchange Online would refuse is named: $cause', async ({ claims, cause }) => {
    expect(await stepOf(jwt(claims), 'smtp.office365.com')).toMatchObject({
      result: 'failed',
      cause,
      remedy: expect.stringMatching(/.{20}/),
    });
    expect(await stepOf(jwt(claims), 'smtp.hospital.example')).toMatchObject({ result: 'passed' });
  });

  test.for(['opaque', 'a.b', 'e30.bm8.c2ln', 'e30.!!!.c2ln'])(
    'that is no JWT is left to its server: %s',
    async (token) => {
      expect(tokenClaims(token)).toBeUndefined();
      expect(await stepOf(token, 'smtp.office365.com')).toMatchObject({ result: 'passed' });
    },
  );

  test('that says little is described without gaps', () => {
    expect(
      describeClaims({
        audience: '',
        application: '',
        tenant: '',
        scope: undefined,
        roles: [],
        expires: 0,
      }),
    ).toBe('token of application unknown for no particular service: no application permissions');
  });
});
