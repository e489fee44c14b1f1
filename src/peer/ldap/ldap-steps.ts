import { once } from 'node:events';
import { connect } from 'node:net';
import type { Address } from '../../adapter/setting.ts';
import { type Step, StepFailure } from '../../adapter/test-step.ts';
import { placeOf } from '../dial.ts';
import { Heard } from '../heard.ts';
import { probe, tryTls } from '../probe.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import type { LdapServer } from './ldap-connection.ts';
import { agreeToStartTls } from './start-tls.ts';

/** The first steps of the test of a directory: `name`, `TCP`, and `TLS` unless it is switched off. Nobody signs in. */
export async function tryReachingLdap(
  lent: TlsClientLent,
  step: Step,
  { address, security, tls }: LdapServer,
): Promise<void> {
  await probe(lent, step, { address, silent: security === 'none' });
  if (security === 'none') return;
  const place = placeOf(address);
  await step('TLS', async (detail) => {
    if (security === 'tls') {
      await tryTls(lent, { address, tls }, detail).catch((error: unknown) =>
        explained(error, address),
      );
      return;
    }
    if (await tryTls(lent, { address, tls, agree: agreeToStartTls, silent: true }, detail)) return;
    throw new StepFailure(
      `${place} does not agree to StartTLS`,
      'Have it enabled there; or if this is the port for TLS (636), use TLS from the start (ldaps)',
    );
  });
}

/** A directory closes the connection of whoever begins with TLS on its plain port, without a word. */
async function explained(error: unknown, address: Address): Promise<never> {
  if (!(error instanceof StepFailure) || !/closed the connection/.test(error.message)) throw error;
  if (!(await speaksPlainLdap(address))) throw error;
  throw new StepFailure(
    `${placeOf(address)} begins in plain text: this is the port for StartTLS`,
    'Use StartTLS, or the port for TLS (636)',
  );
}

const ANSWER_WITHIN = 2_000;

async function speaksPlainLdap(address: Address): Promise<boolean> {
  const socket = connect(address).on('error', () => undefined);
  const limit = setTimeout(() => socket.destroy(), ANSWER_WITHIN);
  try {
    await once(socket, 'connect');
    // whether it agrees or not, it has answered in LDAP
    await agreeToStartTls(new Heard(socket));
    return true;
  } catch {
    // it is gone, or speaks something else
    return false;
  } finally {
    clearTimeout(limit);
    socket.destroy();
  }
}
