import type { JWK } from 'jose';
import type { Credential, FreshToken, TokenCredential } from '../adapter/credential.ts';
import type { TokenVerifier } from '../adapter/token-verifier.ts';
import { describeError, isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import type { Logger } from '../log/logger.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { type LoadedCertificate, loadCertificate } from './certificate.ts';
import { concealed } from './concealed.ts';
import type { CredentialEntry } from './credential-entry.ts';
import { CredentialError } from './credential-error.ts';
import { credentialEvents } from './credential-events.ts';
import { type EntryReader, entryReader } from './entry-reader.ts';
import { type CredentialCertificate, heldCertificates } from './held-certificates.ts';
import { introspections } from './introspection/introspections.ts';
import type { Jwt } from './jwt/jwt.ts';
import { jwtKeys } from './jwt/jwt-keys.ts';
import { type KerberosTickets, kerberosTickets } from './kerberos-tickets.ts';
import type { Entries } from './key-places.ts';
import type { CredentialValues } from './kind/credential-kinds.ts';
import { publishedKeys } from './oauth2/assertion-key.ts';
import {
  type TokenProviders,
  type TokenProvidersOptions,
  tokenProviders,
} from './oauth2/token-providers.ts';
import { readPem } from './read-pem.ts';

export interface CredentialsOptions {
  readonly log: Logger;
  /** The production's folder, where relative paths start. */
  readonly folder: string;
  readonly clock?: Clock;
  /** Where `federatedToken: { environment }` looks; the process's own by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called with each certificate that a token server sends, and for which credential. */
  readonly peerCertificate?: TokenProvidersOptions['peerCertificate'];
  /**
   * Fills in an entry's `${file:…}` and `${secret:…}` again. Called whenever values are needed, so
   * that a rotated secret is used without a restart; without it they stay as loaded.
   */
  readonly again?: (name: string) => Promise<CredentialEntry | undefined>;
}

/** What is wrong with an entry. */
export interface CredentialProblem {
  readonly credential: string;
  readonly problem: string;
  /** A file is missing, but may be there before it is needed. */
  readonly isMissing: boolean;
}

/** The `credentials` of a production, as hosts need them. */
export interface Credentials {
  /** Rejects with CREDENTIAL_MISSING or CREDENTIAL_REFUSED. A token is fetched only when it is asked for. */
  get(name: string): Promise<Credential>;
  /** Signs and verifies with a credential of kind `jwt-key`. */
  jwt(name: string): Promise<Jwt>;
  /** Checks callers' tokens, with a credential of kind `jwt-key` or `introspection`. */
  verifier(name: string): Promise<TokenVerifier>;
  /** Every certificate that a credential contains or trusts, as the files are now. */
  certificates(): Promise<readonly CredentialCertificate[]>;
  /** Where certificates and keys of the entries lie. */
  certificateEntries(): Promise<Entries>;
  /** The public keys of our client assertions, to be served at the address registered with Epic and others. */
  jwksDocument(): Promise<{ readonly keys: readonly JWK[] }>;
  /** Problems of the entries that can be found without the network: for `waybill check` and before a start. */
  check(): Promise<readonly CredentialProblem[]>;
  /** Uses the entries of a changed production; tokens of unchanged ones are kept. */
  replace(entries: ReadonlyMap<string, CredentialEntry>): Promise<void>;
  /** Ends requests to token servers. */
  close(): Promise<void>;
}

/**
 * Makes the credentials of a production. Nothing is read or fetched before it is needed. It is long
 * because it lists all they can do.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function credentials(
  entries: ReadonlyMap<string, CredentialEntry>,
  options: CredentialsOptions,
): Credentials {
  const { log, folder, clock = systemClock, environment = process.env, again } = options;
  let known = entries;
  const reader = entryReader({ folder, entries: () => known, again });
  const certificate = async (name: string): Promise<LoadedCertificate> => {
    const values = await reader.readKind(name, 'certificate', 'what uses it');
    return loadCertificate(name, { ...values, files: reader.files(name) });
  };
  const tokens = tokenProviders({
    reader,
    certificate,
    clock,
    log,
    environment,
    peerCertificate: options.peerCertificate,
  });
  const jwtOf = jwtKeys(reader, clock);
  const tickets = kerberosTickets(reader);
  const asked = introspections({
    read: (name) => reader.readKind(name, 'introspection', 'what checks tokens'),
    client: (name, memory) => tokens.client(name, memory),
  });

  const get = async (name: string): Promise<Credential> =>
    adapterCredential(name, await reader.read(name), { reader, tokens, tickets, jwtOf });
  const namesOf = (kind: string): string[] =>
    [...known].flatMap(([name, entry]) => (entry.kind === kind ? [name] : []));
  const checkOne = async (name: string, kind: string): Promise<void> => {
    if (kind === 'introspection') return asked.check(name);
    await (kind === 'jwt-key' ? jwtOf(name) : get(name));
    if (kind === 'oauth2') await tokens.check(name);
    if (kind === 'kerberos') await tickets.check(name);
  };

  return {
    get,
    jwt: jwtOf,
    verifier: (name) => (known.get(name)?.kind === 'introspection' ? asked.of(name) : jwtOf(name)),
    async certificates() {
      const found = [...known].map(([name, { kind }]) => heldCertificates(name, kind, reader));
      return (await Promise.all(found)).flat();
    },
    async certificateEntries() {
      const found = [...known.keys()].map(async (name) => {
        const values = await reader.read(name).catch(unless(isEngineError, 'reading a credential'));
        return [name, values?.kind === 'certificate' ? values : 'other'] as const;
      });
      return new Map(await Promise.all(found));
    },
    async jwksDocument() {
      const found = namesOf('oauth2').map((name) => keysOf(name, { reader, log }));
      const keys = (await Promise.all(found)).flat();
      return { keys: [...new Map(keys.map((key) => [key.kid, key])).values()] };
    },
    async check() {
      const found = [...known].map(async ([name, { kind }]) => ({
        credential: name,
        found: await problemOf(() => checkOne(name, kind)),
      }));
      return (await Promise.all(found)).flatMap(({ credential, found: one }) =>
        one === undefined ? [] : [{ credential, problem: one.text, isMissing: one.isMissing }],
      );
    },
    async replace(next) {
      const before = known;
      known = next;
      asked.forget();
      tickets.forget((name) => !isSame(before.get(name), next.get(name)));
      await tokens.forget((name) => !isSame(before.get(name), next.get(name)));
    },
    async close() {
      asked.forget();
      await tokens.forget(() => true);
    },
  };
}

async function keysOf(
  name: string,
  { reader, log }: { readonly reader: EntryReader; readonly log: Logger },
): Promise<JWK[]> {
  try {
    const { authentication } = await reader.readKind(name, 'oauth2', 'our JWKS document');
    const signing = authentication?.privateKeyJwt;
    return signing === undefined ? [] : await publishedKeys(name, signing);
  } catch (error) {
    // The other keys must stay published.
    credentialEvents(log, name).keyUnpublished(error);
    return [];
  }
}

async function problemOf(
  check: () => Promise<void>,
): Promise<{ readonly text: string; readonly isMissing: boolean } | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    const { code, text } = describeError(error);
    return { text, isMissing: code === 'CREDENTIAL_MISSING' };
  }
}

function isSame(a: CredentialEntry | undefined, b: CredentialEntry | undefined): boolean {
  return a?.kind === b?.kind && JSON.stringify(a?.values) === JSON.stringify(b?.values);
}

interface AdapterCredentialSources {
  readonly reader: EntryReader;
  readonly tokens: TokenProviders;
  readonly tickets: KerberosTickets;
  /** The signer of an entry of kind `jwt-key`. */
  readonly jwtOf: (name: string) => Promise<Jwt>;
}

/** The values of an entry as adapters get them: their secrets can be read but are never printed. */
async function adapterCredential(
  name: string,
  values: CredentialValues,
  sources: AdapterCredentialSources,
): Promise<Credential> {
  switch (values.kind) {
    case 'basic': {
      const { kind, user, password } = values;
      return concealed({ kind, user }, { password });
    }
    case 'ntlm': {
      const { kind, user, password, domain, workstation } = values;
      const place = { ...(domain && { domain }), ...(workstation && { workstation }) };
      return concealed({ kind, user, ...place }, { password });
    }
    case 'kerberos':
      return sources.tickets.credential(name, values);
    case 'ssh-key':
      return sshKey(name, values);
    case 'certificate':
      return (await loadCertificate(name, { ...values, files: sources.reader.files(name) }))
        .credential;
    case 'bearer':
      return fixedToken(name, values, sources.reader);
    case 'oauth2':
      return fetchedToken(name, values.user, sources.tokens);
    case 'jwt-key':
      return signedToken(name, sources);
    case 'introspection':
      break;
  }
  throw new CredentialError('CREDENTIAL_REFUSED', name, {
    cause: `it is of kind ${values.kind}, which cannot be used to sign in to a peer`,
    remedy: 'It checks tokens of callers: name it as verifier, and another credential here',
  });
}

type ValuesOfKind<K extends CredentialValues['kind']> = Extract<CredentialValues, { kind: K }>;

async function sshKey(name: string, values: ValuesOfKind<'ssh-key'>): Promise<Credential> {
  const { kind, user, passphrase, password } = values;
  const { text } = await readPem(name, 'privateKey', values.privateKey);
  if (!text.includes('PRIVATE KEY-----') && !text.startsWith('PuTTY-User-Key-File')) {
    throw new CredentialError('CREDENTIAL_REFUSED', name, {
      cause: 'privateKey is not a private key; it may be the public half',
      remedy: 'Give the file without the extension .pub',
    });
  }
  return concealed(
    { kind, user },
    {
      privateKey: text,
      ...(passphrase !== undefined && { passphrase }),
      ...(password !== undefined && { password }),
    },
  );
}

/** `fresh` reads the value again: somebody may have set a new token. */
function fixedToken(
  name: string,
  { kind, token, user }: ValuesOfKind<'bearer'>,
  reader: EntryReader,
): TokenCredential {
  let current = token;
  return Object.freeze({
    kind,
    ...(user !== undefined && { user }),
    async token(signal: AbortSignal, { fresh = false }: FreshToken = {}) {
      signal.throwIfAborted();
      if (fresh) current = (await reader.readKind(name, kind, 'a fixed token')).token;
      return current;
    },
  });
}

/** Signed for each request, so that none can be replayed. */
function signedToken(name: string, { jwtOf }: AdapterCredentialSources): TokenCredential {
  return Object.freeze({
    kind: 'bearer' as const,
    async token(signal: AbortSignal) {
      signal.throwIfAborted();
      return (await jwtOf(name)).sign({});
    },
  });
}

/** Looks it up by name each time, so that it outlives a change of the production. */
function fetchedToken(
  name: string,
  user: string | undefined,
  tokens: TokenProviders,
): TokenCredential {
  return Object.freeze({
    kind: 'oauth2' as const,
    ...(user !== undefined && { user }),
    token: (signal: AbortSignal, options?: FreshToken) => tokens.of(name).token(signal, options),
    notGranted: () => tokens.of(name).notGranted(),
  });
}
