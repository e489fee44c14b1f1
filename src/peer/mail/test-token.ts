import type { Lent } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { notGranted, type Step, StepFailure, stepFailure } from '../../adapter/test-step.ts';
import { describeClaims, type TokenClaims, tokenClaims } from '../token-claims.ts';

export interface MailTokenTest {
  /** The name of the credential; undefined if there is no token to look at. */
  readonly credential: string | undefined;
  /** The mail server. */
  readonly host: string;
  /** The application permission that Exchange Online asks for: `SMTP.SendAsApp`. */
  readonly role: string;
}

const EXCHANGE_ONLINE = /\.(office365\.com|outlook\.com|office\.com)$/i;
const EXCHANGE_AUDIENCES = new Set([
  'https://outlook.office365.com',
  'https://outlook.office.com',
  '00000002-0000-0ff1-ce00-000000000000',
]);

/**
 * The step `token` of a connection test that signs in with one: gets it, shows its content, and
 * names what Exchange Online would refuse it for, which the server itself does not say.
 */
export async function testToken(
  lent: Pick<Lent<Settings>, 'credential' | 'signal'>,
  step: Step,
  { credential: name, host, role }: MailTokenTest,
): Promise<void> {
  const credential = name === undefined ? undefined : await lent.credential(name);
  if (credential?.kind !== 'oauth2' && credential?.kind !== 'bearer') return;
  await step('token', async (detail) => {
    const token = await credential.token(lent.signal).catch((error: unknown) => {
      throw stepFailure(error);
    });
    const claims = tokenClaims(token);
    detail(claims === undefined ? 'a token without readable content' : describeClaims(claims));
    const missing = credential.notGranted?.() ?? [];
    if (missing.length > 0) throw notGranted(missing);
    if (claims !== undefined && EXCHANGE_ONLINE.test(host)) checkForExchange(claims, role);
  });
}

function checkForExchange({ audience, roles }: TokenClaims, role: string): void {
  if (!EXCHANGE_AUDIENCES.has(audience)) {
    throw new StepFailure(
      `the token is for ${audience}, not for mail`,
      'Set the scope of the credential to https://outlook.office365.com/.default',
    );
  }
  if (roles.includes(role)) return;
  throw new StepFailure(
    `the token lacks ${role}`,
    `Grant the application permission ${role} of Office 365 Exchange Online with the consent of an administrator, and give the application a right on the mailbox (New-ServicePrincipal, Add-MailboxPermission)`,
  );
}
