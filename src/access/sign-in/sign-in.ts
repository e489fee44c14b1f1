import type { FastifyRequest } from 'fastify';
import type { Logger } from '../../log/logger.ts';
import type { OidcAttempt } from '../../peer/oidc/oidc-client.ts';
import type { SealedAttempts } from '../../peer/oidc/sealed-attempts.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Emergencies } from '../rights/emergency.ts';
import type { Identity, Rights } from '../rights/principal-for.ts';
import type { Roles } from '../rights/roles.ts';
import type { ApiTokens } from './api-tokens.ts';
import type { ConsoleSettings } from './console-settings.ts';
import type { CookieNames } from './cookie.ts';
import type { DelegatedAttempt } from './delegated-attempt.ts';
import type { Enforcement } from './enforcement.ts';
import type { FactorCheck } from './factor/check-factor.ts';
import type { SecondFactors } from './factor/second-factors.ts';
import type { FailureDelay } from './failure-delay.ts';
import type { FirstAdministrator } from './first-administrator.ts';
import type { KerberosProvider } from './kerberos/kerberos-provider.ts';
import type { LocalSignIn } from './local-sign-in.ts';
import type { OidcProvider } from './oidc-provider.ts';
import type { RefusedSignIns } from './refused-sign-ins.ts';
import type { RelayedCallers } from './relayed-callers.ts';
import type { SamlAttempt, SamlProvider } from './saml/saml-provider.ts';
import type { Sessions } from './sessions.ts';
import type { SignInTrace } from './sign-in-trace.ts';
import type { Users } from './users.ts';

/** A sign-in that was sent to a provider and has not come back. */
export interface Waiting {
  /** Name of the provider. */
  readonly provider: string;
  readonly attempt: OidcAttempt | SamlAttempt;
  /** Where the person goes afterwards. */
  readonly back: string;
}

/** What the sign-in's hook and routes depend on. */
export interface SignIn {
  /** The one whose console this is. */
  readonly production: string;
  readonly settings: ConsoleSettings;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  readonly local: LocalSignIn;
  readonly delay: FailureDelay;
  readonly factors: SecondFactors;
  readonly factorCheck: FactorCheck;
  readonly first: FirstAdministrator;
  readonly cookies: CookieNames;
  readonly roles: Roles;
  readonly rights: Rights;
  readonly emergencies: Emergencies;
  readonly audit: AuditLog;
  readonly trace: SignInTrace;
  readonly refused: RefusedSignIns;
  readonly enforcement: Enforcement;
  readonly attempts: SealedAttempts<Waiting>;
  readonly providers: ReadonlyMap<string, OidcProvider>;
  readonly saml: ReadonlyMap<string, SamlProvider>;
  readonly kerberos: ReadonlyMap<string, KerberosProvider>;
  readonly relayed: RelayedCallers;
  readonly authenticators: readonly Authenticator[];
  readonly log: Logger;
}

/** One way in which a request can identify its sender. */
export interface Authenticator {
  readonly method: string;
  /**
   * Undefined if the request has no such credentials; throws a SignInRefusal if they are wrong.
   *
   * @param at a token that has expired since then is accepted: for the rest of an answer that began then
   */
  identify(
    request: FastifyRequest,
    at?: number,
  ): Promise<Identity | undefined> | Identity | undefined;
}

/** Returns who it is, or undefined for a wrong name or password. */
export type Delegate = (
  attempt: DelegatedAttempt,
) => Promise<Pick<Identity, 'name' | 'roles' | 'scope'> | undefined>;
