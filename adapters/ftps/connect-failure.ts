import { DisableError, NotConnectedError } from 'waybill/adapter';
import { notConnected, type SpokenProtocol } from 'waybill/peer';
import { replyCode } from './ftps-failure.ts';
import type { FtpsConnectionSettings } from './ftps-settings.ts';

/** What one try to connect set out with, and how far it came. */
export interface Attempt {
  readonly place: string;
  readonly security: FtpsConnectionSettings['security'];
  readonly user: string;
  stage: 'connect' | 'tls' | 'sign-in' | 'set-up';
}

/** Why connecting failed and what to do. The words of the server are not quoted. */
export function failureOf(
  error: unknown,
  attempt: Attempt,
  heard: SpokenProtocol | undefined,
): Error {
  if (error instanceof DisableError) return error;
  if (heard !== undefined) return foreign(attempt, heard);
  const code = replyCode(error);
  const text = error instanceof Error ? error.message : '';
  if (code !== undefined) return answered(attempt, code, text);
  const { place } = attempt;
  if (/Timeout/i.test(text)) {
    return new NotConnectedError(
      `${place} did not finish connecting in time. Check that an FTP server listens on this port; a slow one needs a longer connectTimeout.`,
    );
  }
  if (attempt.stage === 'connect' && /FIN packet|closed connection/.test(text)) {
    return new NotConnectedError(
      `${place} closed the connection before its greeting. It may have reached its limit of connections or allow only known addresses: look into its log.`,
    );
  }
  return notConnected(error, place);
}

function foreign({ place, security }: Attempt, spoken: SpokenProtocol): NotConnectedError {
  if (spoken.name === 'TLS') {
    return new NotConnectedError(
      `${place} speaks TLS at once: this is implicit TLS. Set security: implicit.`,
    );
  }
  if (spoken.name === 'SSH') {
    return new NotConnectedError(
      `${place} is an SSH server: it speaks SFTP, which is not FTPS. Use sftp-in or sftp-out.`,
    );
  }
  if (security === 'implicit' && /FTP/.test(spoken.name)) {
    return new NotConnectedError(
      `${place} begins in clear and not with TLS: this is explicit TLS. Set security: explicit.`,
    );
  }
  return new NotConnectedError(`${place} ${spoken.seen}, not FTP. ${spoken.remedy}.`);
}

/** Some servers say in words what they want, with a code that means something else. */
function saidOfTls(
  { place, stage, security }: Attempt,
  code: number,
  text: string,
): NotConnectedError | undefined {
  if (!/\b(TLS|SSL|certificate|encrypt\w*|secure)\b/i.test(text)) return undefined;
  if (security === 'none' && (stage === 'sign-in' || code === 421)) {
    return new NotConnectedError(
      `${place} signs nobody in without encryption (${code}). Set security: explicit.`,
    );
  }
  if (code !== 421) return undefined;
  return new NotConnectedError(
    `${place} ends the connection over TLS (421). It may want a client certificate or another version of TLS: look into its log.`,
  );
}

function answered(attempt: Attempt, code: number, text: string): Error {
  const { place, stage, security, user } = attempt;
  const ofTls = saidOfTls(attempt, code, text);
  if (ofTls !== undefined) return ofTls;
  if (code === 421) {
    return new NotConnectedError(
      `${place} takes no connection now (421). It may have reached its limit: it is tried again.`,
    );
  }
  if (stage === 'tls') {
    return new NotConnectedError(
      `${place} offers no TLS: it refused AUTH TLS (${code}). Ask its owner to switch it on, or for the port with implicit TLS.`,
    );
  }
  if (stage === 'sign-in' && [332, 430, 530, 532].includes(code)) {
    return new DisableError(
      `${place} refused the sign-in of ${user} (${code}). Check user and password with its owner, and whether the account is locked or bound to other addresses.`,
    );
  }
  if (stage === 'set-up' && security !== 'none' && [502, 504, 533, 534, 536].includes(code)) {
    return new NotConnectedError(
      `${place} refuses to encrypt files (PROT P, ${code}). Ask its owner to allow it: nothing is sent in clear.`,
    );
  }
  return new NotConnectedError(
    `${place} answered ${code} while we ${STAGES[stage]}. Look into its log.`,
  );
}

const STAGES: Readonly<Record<Attempt['stage'], string>> = {
  connect: 'connected',
  tls: 'switched to TLS',
  'sign-in': 'signed in',
  'set-up': 'set up transfers',
};
