import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyPluginCallback } from 'fastify';
import { describeError, EngineError } from '../../error/engine-error.ts';
import type { Logger } from '../../log/logger.ts';
import { sealedAttempts } from '../../peer/oidc/sealed-attempts.ts';
import { isLoopback } from '../../web/networks.ts';
import { type AuditLog, auditLog } from '../audit/audit-log.ts';
import { proveRegularly } from '../audit/audit-proof.ts';
import type { MetaDatabase, MetaPlace } from '../meta/meta-database.ts';
import { metaDatabase } from '../meta/open-meta.ts';
import { type Emergencies, emergencies } from '../rights/emergency.ts';
import { type BodyMask, fieldMask } from '../rights/field-mask.ts';
import type { Orderer, RightsNow, StillAllowed } from '../rights/orderer.ts';
import { type Identity, rights } from '../rights/principal-for.ts';
import { permissionsOf } from '../rights/roles.ts';
import type { ScopedHost } from '../rights/scope.ts';
import { apiTokens } from './api-tokens.ts';
import {
  headerAuthenticator,
  issuerAuthenticator,
  ownTokenAuthenticator,
  sessionAuthenticator,
} from './authenticators.ts';
import { type ConsoleSettings, needsFactor, readConsoleSettings } from './console-settings.ts';
import { cookieNames } from './cookie.ts';
import { derivedCsrf } from './cross-origin.ts';
import { delegateOf } from './delegate.ts';
import { type Directory, directory } from './directory/directory.ts';
import { enforcement } from './enforcement.ts';
import { factorCheck } from './factor/check-factor.ts';
import { factorSeal } from './factor/factor-seal.ts';
import { factorStore } from './factor/factor-store.ts';
import { type SecondFactors, secondFactors } from './factor/second-factors.ts';
import { failureDelay } from './failure-delay.ts';
import { firstAdministrator } from './first-administrator.ts';
import { kerberosProvider } from './kerberos/kerberos-provider.ts';
import { localIdentity, localSignIn } from './local-sign-in.ts';
import { oidcProvider } from './oidc-provider.ts';
import { signInPlugin } from './plugin.ts';
import { refusedSignIns } from './refused-sign-ins.ts';
import {
  consoleOf,
  type RelayedCallers,
  relayedAuthenticator,
  relayedCallers,
} from './relayed-callers.ts';
import { samlProvider } from './saml/saml-provider.ts';
import { type UsedAssertions, usedAssertions } from './saml/used-assertions.ts';
import { sessions } from './sessions.ts';
import type { SignIn, Waiting } from './sign-in.ts';
import { signInTrace } from './sign-in-trace.ts';
import { users } from './users.ts';

export interface ConsoleGuardOptions {
  /** The one whose console this is: roles for one production count only there. */
  readonly production: string;
  /** Where users and the audit log are. */
  readonly place: MetaPlace;
  /** `console.yaml`; by default the one in the data folder. */
  readonly file: string | undefined;
  /**
   * The settings from before a restart of the operator plane: a file broken since then must not
   * take the console down.
   */
  readonly held?: ConsoleSettings | undefined;
  /** Where the console will listen. */
  readonly host: string;
  readonly hosts: () => Promise<readonly ScopedHost[]>;
  readonly log: Logger;
}

/** Everything that controls access to the console. */
export interface ConsoleGuard {
  readonly meta: MetaDatabase;
  readonly audit: AuditLog;
  readonly settings: ConsoleSettings;
  readonly mask: BodyMask;
  readonly rightsNow: RightsNow;
  readonly emergencies: Emergencies;
  readonly traceUrl: string | undefined;
  readonly signIn: FastifyPluginCallback;
  /** People of other consoles whose requests are handed on to this one. */
  readonly relayed: RelayedCallers;
  /**
   * The code for making the first administrator; Undefined if somebody can already sign in. To be
   * printed at the machine and stored nowhere.
   */
  readonly firstCode: string | undefined;
  close(): Promise<void>;
}

/** Reads `console.yaml` and opens users, sessions and the audit log. Throws a ConfigError with every problem of the file. */
export async function consoleGuard({
  production,
  place,
  file,
  held,
  host,
  hosts,
  log,
}: ConsoleGuardOptions): Promise<ConsoleGuard> {
  const settings = await settingsIn(file ?? join(place.data, 'console.yaml'), held, log);
  const audit = await auditLog(place, {
    onCut: (cut) => log.error({ event: 'audit-cut', ...cut }, 'audit-cut'),
  });
  const meta = await metaDatabase(place).catch(async (error: unknown) => {
    await audit.close();
    throw error;
  });
  try {
    const signIn = await openSignIn({ production, database: meta, settings, audit, hosts, log });
    const { allowed, why } = await signIn.enforcement.passwords();
    if (!settings.passwords && allowed)
      log.warn({ event: 'passwords-still-on', why }, 'passwords-still-on');
    const firstCode = await signIn.first.newCode();
    if (firstCode !== undefined && !isLoopback(host)) {
      throw new EngineError(
        'CONFIG_INVALID',
        `the console does not listen on ${host} while there is no user: make one with waybill user add, or listen on 127.0.0.1`,
      );
    }
    const proving = proveRegularly(audit, log);
    return {
      meta,
      audit,
      settings,
      mask: fieldMask(settings.mask),
      rightsNow: rightsNow(signIn),
      emergencies: signIn.emergencies,
      traceUrl: settings.traceUrl,
      signIn: signInPlugin(signIn),
      relayed: signIn.relayed,
      firstCode,
      async close() {
        proving[Symbol.dispose]();
        await meta.close();
        await audit.close();
      },
    };
  } catch (error) {
    await meta.close();
    await audit.close();
    throw error;
  }
}

async function settingsIn(
  file: string,
  held: ConsoleSettings | undefined,
  log: Logger,
): Promise<ConsoleSettings> {
  try {
    return await readConsoleSettings(file, process.env);
  } catch (error) {
    if (held === undefined) throw error;
    const { text } = describeError(error);
    log.error({ event: 'console-settings-kept', problem: text }, 'console-settings-kept');
    return held;
  }
}

export interface Installation {
  readonly production: string;
  readonly database: MetaDatabase;
  readonly settings: ConsoleSettings;
  readonly audit: AuditLog;
  /** The production's hosts, for scopes. */
  readonly hosts: () => Promise<readonly ScopedHost[]>;
  readonly log: Logger;
}

/** Assembles the sign-in of an installation. Dispose of it when the console has stopped. */
export async function openSignIn(parts: Installation): Promise<SignIn> {
  const { production, database, settings, audit, hosts, log } = parts;
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
  const used = usedAssertions(database);
  const directories = settings.ldap.map(directory);
  const emergency = emergencies(database);
  const factors = await openFactors(parts);
  const { header, tokens: issuers } = settings;
  const cookies = cookieNames(await sharedKey(database, 'instance'));
  const relayed = relayedCallers();
  const csrf = derivedCsrf(await sharedKey(database, 'csrf'));
  return {
    production,
    settings,
    users: known,
    sessions: open,
    tokens,
    local: localSignIn({
      users: known,
      delay,
      enforcement: enforced,
      directories,
      delegate,
    }),
    delay,
    factors,
    factorCheck: factorCheck({ factors, delay, used }),
    first: firstAdministrator(database, known, settings.external),
    cookies,
    roles: settings.roles,
    rights: rights(settings.roles, hosts, emergency, production),
    emergencies: emergency,
    audit,
    trace: signInTrace(log),
    refused: refusedSignIns(database),
    enforcement: enforced,
    attempts: sealedAttempts<Waiting>(await sharedKey(database, 'oidc-attempt')),
    ...providersOf(settings, used, directories),
    relayed,
    authenticators: [
      relayedAuthenticator(relayed),
      ownTokenAuthenticator(tokens, known),
      ...(issuers.length === 0 ? [] : [issuerAuthenticator(issuers, csrf)]),
      sessionAuthenticator({ sessions: open, users: known, factors }, cookies.session),
      ...(header === undefined ? [] : [headerAuthenticator(header, csrf)]),
    ],
    log,
  };
}

/** Sign-ins that rely on somebody else's word. */
function providersOf(
  settings: ConsoleSettings,
  used: UsedAssertions,
  directories: readonly Directory[],
): Pick<SignIn, 'saml' | 'providers' | 'kerberos'> {
  const directoryOf = (named: string | undefined): Directory | undefined =>
    directories.find(({ name }) => name === named);
  return {
    saml: new Map(settings.saml.map((one) => [one.name, samlProvider(one, used)])),
    providers: new Map(settings.oidc.map((one) => [one.name, oidcProvider(one)])),
    kerberos: new Map(
      settings.kerberos.map((one) => [
        one.name,
        kerberosProvider(one, { used, directory: directoryOf(one.ldap) }),
      ]),
    ),
  };
}

async function openFactors({ database, settings }: Installation): Promise<SecondFactors> {
  const own = await sharedKey(database, 'second-factor');
  return secondFactors({
    store: factorStore(database),
    seal: await factorSeal(own, process.env),
    ldap: settings.secondFactor.ldap,
    needs: (roles) => needsFactor(settings, roles),
    key: own,
  });
}

/** A secret key of that name, made on first use, the same on every operator plane. */
export function sharedKey(database: MetaDatabase, name: string): Promise<Uint8Array> {
  return database.transaction(async (session) => {
    const known = await session.get<{ key: Uint8Array }>(
      'SELECT key FROM shared_key WHERE name = ?',
      name,
    );
    if (known !== undefined) return known.key;
    const key = randomBytes(32);
    await session.run('INSERT INTO shared_key VALUES (?, ?)', name, key);
    return key;
  });
}

/**
 * What somebody who ordered a job may do now, never more than when they ordered it. A local user is
 * looked up. For an external user the last sign-in counts, or without one what their roles allow
 * now.
 */
export function rightsNow(signIn: SignIn): RightsNow {
  return async (orderer) => {
    const { via, name } = orderer;
    // from an earlier version, in which the user at the machine itself was an administrator
    if (via === 'loopback') return 'users at the machine itself are no longer administrators';
    // what they may do here was decided there, and is in the order
    if (consoleOf(via) !== undefined) return asGranted(orderer);
    if (via === 'local' || via === 'token') return local(signIn, orderer);
    const last = await signIn.sessions.latest(name, via);
    return last === undefined
      ? asOrdered(signIn, orderer)
      : within(signIn, orderer, { ...last, name, via });
  };
}

async function local(signIn: SignIn, orderer: Orderer): Promise<StillAllowed | string> {
  const { name, via, token } = orderer;
  const isRevoked =
    token !== undefined &&
    (await signIn.tokens.list()).some((one) => one.id === token && one.revoked);
  if (isRevoked) return `the token with which ${name} ordered it was revoked`;
  const user = await signIn.users.current(name);
  if (user === undefined) return `${name} is no longer a user`;
  return within(signIn, orderer, localIdentity(user, via));
}

const within = (
  signIn: SignIn,
  { permissions: limit }: Orderer,
  identity: Identity,
): Promise<StillAllowed> => signIn.rights({ ...identity, limit });

const asGranted = ({ permissions, visibleHosts }: Orderer): StillAllowed => ({
  permissions: new Set(permissions),
  visibleHosts,
});

function asOrdered({ production, roles }: SignIn, orderer: Orderer): StillAllowed {
  const allowed = permissionsOf(orderer.roles, roles, production);
  const permissions = new Set(orderer.permissions.filter((one) => allowed.has(one)));
  return { permissions, visibleHosts: orderer.visibleHosts };
}
