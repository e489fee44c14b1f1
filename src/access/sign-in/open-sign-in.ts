import type { Logger } from '../../log/logger.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { MetaDatabase } from '../meta/meta-database.ts';
import { rights } from '../rights/principal-for.ts';
import type { ScopedHost } from '../rights/scope.ts';
import { apiTokens } from './api-tokens.ts';
import {
  headerAuthenticator,
  issuerAuthenticator,
  ownTokenAuthenticator,
  sessionAuthenticator,
} from './authenticators.ts';
import type { ConsoleSettings } from './console-settings.ts';
import { cookieNames } from './cookie.ts';
import { derivedCsrf } from './csrf.ts';
import { delegateOf } from './delegate.ts';
import { enforcement } from './enforcement.ts';
import { failureDelay } from './failure-delay.ts';
import { firstAdministrator } from './first-administrator.ts';
import { localSignIn } from './local-sign-in.ts';
import { oidcAttempts } from './oidc-attempts.ts';
import { oidcProvider } from './oidc-provider.ts';
import { refusedSignIns } from './refused-sign-ins.ts';
import { sessions } from './sessions.ts';
import { sharedKey } from './shared-key.ts';
import type { SignIn } from './sign-in.ts';
import { signInTrace } from './sign-in-trace.ts';
import { users } from './users.ts';

export interface SignInParts {
  readonly database: MetaDatabase;
  readonly settings: ConsoleSettings;
  readonly audit: AuditLog;
  /** The production's hosts, for scopes. */
  readonly hosts: () => Promise<readonly ScopedHost[]>;
  readonly log: Logger;
}

/** Puts the sign-in of an installation together. Dispose of it when the console has stopped. */
export async function openSignIn(parts: SignInParts): Promise<SignIn> {
  const { database, settings, audit, hosts, log } = parts;
  const delegate =
    settings.delegated === undefined
      ? undefined
      : await delegateOf(settings.delegated, settings.roles);
  const known = users(database);
  const open = sessions(database, settings.session);
  await open.endOutside(settings.digest);
  const tokens = apiTokens(database);
  const enforced = enforcement(database, settings);
  const delay = failureDelay(database);
  const { header, tokens: issuers } = settings;
  const cookies = cookieNames(await sharedKey(database, 'instance'));
  const csrf = derivedCsrf(await sharedKey(database, 'csrf'));
  return {
    settings,
    users: known,
    sessions: open,
    tokens,
    local: localSignIn({ users: known, delay, enforcement: enforced, delegate }),
    delay,
    first: firstAdministrator(database, known, settings.external),
    cookies,
    roles: settings.roles,
    rights: rights(settings.roles, hosts),
    audit,
    trace: signInTrace(log),
    refused: refusedSignIns(database),
    enforcement: enforced,
    attempts: oidcAttempts(await sharedKey(database, 'oidc-attempt')),
    providers: new Map(settings.oidc.map((one) => [one.name, oidcProvider(one)])),
    authenticators: [
      ownTokenAuthenticator(tokens, known),
      ...(issuers.length === 0 ? [] : [issuerAuthenticator(issuers, csrf)]),
      sessionAuthenticator(open, known, cookies.session),
      ...(header === undefined ? [] : [headerAuthenticator(header, csrf)]),
    ],
    log,
  };
}
