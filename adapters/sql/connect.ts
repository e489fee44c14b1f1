import type { ConnectionOptions } from 'node:tls';
import {
  type Credential,
  DisableError,
  type Lent,
  NotConnectedError,
  type setting,
  timerTime,
} from 'waybill/adapter';
import { optionalPackage, withRenewedToken } from 'waybill/peer/basics';
import { clientTls, type TlsClientLent } from 'waybill/peer/tls';
import type { Product, SqlSession } from './database.ts';
import {
  hasNoAddress,
  type ProductName,
  placeOfDatabase,
  type SqlConnectionValues,
} from './sql-settings.ts';

/** What connecting needs from the engine. */
export type ConnectLent = TlsClientLent &
  Pick<Lent<setting.Settings>, 'credential'> & { readonly settings: SqlConnectionValues };

/** A file has no address. */
const NOWHERE: setting.Address = { host: '', port: 0 };

/** Each is loaded on first use: an engine loads no driver that it does not need. */
const LOADERS: Readonly<Record<ProductName, (values: SqlConnectionValues) => Promise<Product>>> = {
  postgresql: async () => (await import('./postgres.ts')).postgresql,
  mysql: async () => (await import('./mysql.ts')).mysql,
  oracle: async () => (await optionalPackage('oracledb', () => import('./oracle.ts'))).oracle,
  sqlite: async () => (await import('./sqlite.ts')).sqlite,
  odbc: async (values) => {
    const module = await optionalPackage('odbc', () => import('./odbc.ts'));
    return module.odbc(values);
  },
  sqlserver: async () =>
    (await optionalPackage('tedious', () => import('./sqlserver.ts'))).sqlserver,
};

export const productOf = (values: SqlConnectionValues): Promise<Product> =>
  LOADERS[values.product](values);

/**
 * Connects and signs in. Throws NotConnectedError if another try may help; DisableError if it would do harm, because
 * the account could be locked.
 */
export function connect(
  lent: ConnectLent,
  product: Product,
  signal: AbortSignal,
): Promise<SqlSession> {
  return withRenewedToken(lent, (as) => connectAs(as, product, signal));
}

async function connectAs(
  lent: ConnectLent,
  product: Product,
  signal: AbortSignal,
): Promise<SqlSession> {
  const { settings } = lent;
  const credential =
    settings.credential === undefined ? undefined : await lent.credential(settings.credential);
  if (credential?.kind === 'ntlm' && settings.product !== 'sqlserver') {
    throw new DisableError(
      `A Windows account (ntlm) signs in to SQL Server only. Name a credential with user and password for ${placeOfDatabase(settings)}.`,
    );
  }
  const { connectTimeout, timeout } = settings;
  // the drivers limit the sign-in, but not what is asked after it to set a session up
  const late = AbortSignal.timeout(timerTime(connectTimeout + timeout));
  try {
    return await signedIn(lent, product, { credential, signal: AbortSignal.any([signal, late]) });
  } catch (error) {
    signal.throwIfAborted();
    if (!late.aborted) throw error;
    throw new NotConnectedError(
      `Not connected: ${placeOfDatabase(settings)} did not finish the sign-in within ${(connectTimeout + timeout) / 1_000} s. Look at its load and at the network between us.`,
    );
  }
}

async function signedIn(
  lent: ConnectLent,
  product: Product,
  {
    credential,
    signal,
  }: { readonly credential: Credential | undefined; readonly signal: AbortSignal },
): Promise<SqlSession> {
  const { settings } = lent;
  const address = (await product.find?.(settings, signal)) ?? settings.connect ?? NOWHERE;
  const tlsFor = (host: string): Promise<ConnectionOptions> => tlsOf(lent, host);
  const isPlain = settings.security === 'none' || hasNoAddress(settings);
  const tls = isPlain ? undefined : await tlsFor(address.host);
  const token = await tokenOf(credential, settings, signal);
  return await product.connect({ settings, address, credential, token, tls, tlsFor, signal });
}

async function tlsOf(lent: ConnectLent, host: string): Promise<ConnectionOptions> {
  const { security, tls } = lent.settings;
  const options = await clientTls(lent, tls, host);
  return security === 'unproven' ? { ...options, rejectUnauthorized: false } : options;
}

async function tokenOf(
  credential: Credential | undefined,
  settings: SqlConnectionValues,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (credential?.kind !== 'bearer' && credential?.kind !== 'oauth2') return undefined;
  if (settings.security === 'none') {
    throw new DisableError(
      `A token is not sent to ${placeOfDatabase(settings)} unencrypted. Set security: tls.`,
    );
  }
  return await credential.token(signal);
}
