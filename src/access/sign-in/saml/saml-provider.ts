import { readFile } from 'node:fs/promises';
import { attributeOf, childOf, childrenOf, trimmed } from '../../../document/xml/elements.ts';
import { parseXml } from '../../../document/xml/parse-xml.ts';
import { isSignedByOneOf } from '../../../document/xml/signature/enveloped.ts';
import { SecurityProblem } from '../../../document/xml/signature/security-problem.ts';
import type { XmlElement } from '../../../document/xml/tree.ts';
import { briefly, type ProviderFetch, trustingFetch } from '../../../peer/provider-fetch.ts';
import type { Identity } from '../../rights/principal-for.ts';
import { mappedIdentity } from '../mapped-identity.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { type Asserted, assertedBy, checkSignOut, UnknownKey } from './assertion.ts';
import { type IdpMetadata, idpMetadata } from './idp-metadata.ts';
import { ASSERTION, freshId, PROTOCOL, SUCCESS } from './names.ts';
import {
  authnRequest,
  inflated,
  logoutRequest,
  logoutResponse,
  type NamedSession,
  redirectWith,
  signedMessage,
  signedQuery,
} from './requests.ts';
import { SamlProblem, SamlProviderAway } from './saml-problem.ts';
import { isAddress, ownKey, type SamlSettings } from './saml-settings.ts';
import type { UsedAssertions } from './used-assertions.ts';

/** Our own addresses, which depend on where browsers see the console. */
export interface OwnAddresses {
  /** Of our metadata. */
  readonly metadata: string;
  /** Takes responses (assertion consumer service). */
  readonly consumer: string;
  /** Takes requests and responses of a sign-out. */
  readonly logout: string;
}

/** What must be kept between the request and the response. */
export interface SamlAttempt {
  readonly requestId: string;
}

/** Where to send the browser: to an address, or with a form that is posted there. */
export type Sending =
  | { readonly url: URL }
  | { readonly post: string; readonly fields: Readonly<Record<string, string>> };

export interface SamlSignedIn {
  readonly identity: Identity;
  /** Names the session at the provider, for signing out there. */
  readonly session: string;
}

/** A sign-out that the provider asks for. */
export interface AskedLogout {
  isMeant(session: string): boolean;
  /** The answer to the provider; undefined if it has no address for one. */
  readonly answer: URL | undefined;
}

/** An identity provider by which people sign in with SAML 2.0. Everything rejects with a SignInRefusal that says which check failed. */
export interface SamlProvider {
  readonly name: string;
  readonly title: string;
  readonly fromProvider: boolean;
  start(own: OwnAddresses): Promise<{ readonly to: Sending; readonly attempt: SamlAttempt }>;
  /** The identity from the response (base64). Without an attempt the person must have begun at the provider. */
  finish(
    own: OwnAddresses,
    response: string,
    attempt: SamlAttempt | undefined,
  ): Promise<SamlSignedIn>;
  /** The address for signing out at the provider too; undefined if it does not offer this. */
  signOut(own: OwnAddresses, session: string): Promise<URL | undefined>;
  /** A sign-out that the provider asks for, in an address (its query as written) or in a form. */
  signedOut(
    own: OwnAddresses,
    by: { readonly query: string } | { readonly form: string },
  ): Promise<AskedLogout>;
}

/** More than any response: groups of a person fill tens of kilobytes. */
export const LONGEST_RESPONSE = 1024 * 1024;

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function samlProvider(settings: SamlSettings, used: UsedAssertions): SamlProvider {
  const { name, title, fromProvider } = settings;
  const known = knownProvider(settings);
  const nameOf = (own: OwnAddresses): string => settings.entityId ?? own.metadata;
  const told = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SamlProblem)) throw error;
      if (error instanceof SamlProviderAway) {
        throw SignInRefusal.away(name, error.message, error.remedy);
      }
      throw new SignInRefusal(
        { status: 401, text: `signing in with ${name} did not work; an administrator can see why` },
        error.message,
        error.remedy,
      );
    }
  };
  return {
    name,
    title,
    fromProvider,
    start: (own) =>
      told(async () => {
        const { signOn } = await known.current();
        const attempt = { requestId: freshId() };
        const destination = signOn.redirect ?? signOn.post ?? '';
        const sent = { id: attempt.requestId, destination, issuer: nameOf(own) };
        const xml = authnRequest(sent, own.consumer);
        const key = ownKey(settings);
        if (signOn.redirect !== undefined) {
          return {
            to: { url: redirectWith(destination, ['SAMLRequest', xml], { own: key }) },
            attempt,
          };
        }
        const posted = key === undefined ? xml : signedMessage(xml, key);
        const fields = { SAMLRequest: Buffer.from(posted).toString('base64') };
        return { to: { post: destination, fields }, attempt };
      }),
    finish: (own, response, attempt) =>
      told(async () => {
        const root = readResponse(response);
        const expected = {
          consumer: own.consumer,
          entityId: nameOf(own),
          requestId: attempt?.requestId,
          clockSkew: settings.clockSkew,
          now: Date.now(),
        };
        const by = (idp: IdpMetadata): Asserted => assertedBy(root, { ...expected, idp });
        const asserted = await withKeys(known, by);
        if (!(await used.first(name, asserted.id, asserted.until))) {
          throw new SamlProblem(
            'the assertion was already used',
            'start again at the console; a response that is sent twice may have been intercepted',
          );
        }
        return {
          identity: identityOf(settings, asserted),
          session: JSON.stringify(asserted.session),
        };
      }),
    signOut: (own, session) =>
      told(async () => {
        const { logout } = await known.current();
        const named = namedSession(session);
        if (logout.redirect === undefined || named === undefined) return undefined;
        const sent = { id: freshId(), destination: logout.redirect, issuer: nameOf(own) };
        const xml = logoutRequest(sent, named);
        return redirectWith(logout.redirect, ['SAMLRequest', xml], { own: ownKey(settings) });
      }),
    signedOut: (own, by) =>
      told(async () => {
        const asked = await withKeys(known, (idp) => checkedLogout(by, idp));
        checkSignOut(asked.root, own.logout, settings.clockSkew);
        const idp = await known.current();
        const destination = idp.logoutAnswer ?? idp.logout.redirect;
        const sent = { id: freshId(), destination: destination ?? '', issuer: nameOf(own) };
        return {
          isMeant: (session) => isSame(namedSession(session), asked),
          answer:
            destination === undefined
              ? undefined
              : redirectWith(
                  destination,
                  ['SAMLResponse', logoutResponse(sent, asked.id, SUCCESS)],
                  { own: ownKey(settings), relayState: asked.relayState },
                ),
        };
      }),
  };
}

/** Once more with the metadata read again, if no key fits. */
async function withKeys<Value>(
  known: ReturnType<typeof knownProvider>,
  check: (idp: IdpMetadata) => Value,
): Promise<Value> {
  try {
    return check(await known.current());
  } catch (error) {
    if (!(error instanceof UnknownKey)) throw error;
    return check(await known.renewed());
  }
}

function readResponse(base64: string): XmlElement {
  try {
    return parseXml(Buffer.from(base64, 'base64').toString('utf8')).element;
  } catch {
    // the parser says where, which helps nobody in what a provider made
    throw new SamlProblem(
      'what was sent is not a response of SAML: it is not well-formed XML',
      'start again at the console; look at the provider’s log',
    );
  }
}

function identityOf(settings: SamlSettings, { session, attributes }: Asserted): Identity {
  return mappedIdentity(
    (attribute) => {
      const values = attribute === 'NameID' ? [session.nameId] : attributes.get(attribute);
      // a group's name may contain spaces: only a list is not taken apart
      return attribute === settings.rolesFrom || values?.length !== 1 ? values : values[0];
    },
    settings,
    { via: `saml ${settings.name}`, defaultUser: 'NameID' },
  );
}

function namedSession(text: string): NamedSession | undefined {
  try {
    return JSON.parse(text) as NamedSession;
  } catch {
    // it began with another kind of sign-in under the same name
    return undefined;
  }
}

interface Logout {
  readonly root: XmlElement;
  readonly id: string;
  readonly nameId: string;
  readonly indexes: readonly string[];
  readonly relayState: string | undefined;
}

function checkedLogout(
  by: { readonly query: string } | { readonly form: string },
  idp: IdpMetadata,
): Logout {
  if ('form' in by) {
    const root = logoutIn(by.form);
    checkSignedForm(root, idp);
    return logoutOf(root, idp);
  }
  const signed = signedQuery(by.query, idp);
  const root = logoutIn(Buffer.from(inflated(signed.message)).toString('base64'));
  return { ...logoutOf(root, idp), relayState: signed.relayState };
}

function logoutIn(base64: string): XmlElement {
  const root = readResponse(base64);
  if (root.local === 'LogoutRequest' && root.uri === PROTOCOL) return root;
  throw new SamlProblem('what the provider sent is not a sign-out', 'look at its log');
}

function logoutOf(root: XmlElement, { entityId }: IdpMetadata): Logout {
  const issuer = childOf(root, ASSERTION, 'Issuer');
  if (issuer === undefined || trimmed(issuer) !== entityId) {
    throw new SamlProblem('the sign-out was issued by somebody else', 'take its metadata');
  }
  const name = childOf(root, ASSERTION, 'NameID');
  return {
    root,
    id: attributeOf(root, 'ID') ?? '',
    nameId: name === undefined ? '' : trimmed(name),
    indexes: childrenOf(root, PROTOCOL, 'SessionIndex').map(trimmed),
    relayState: undefined,
  };
}

function checkSignedForm(root: XmlElement, { keys }: IdpMetadata): void {
  try {
    if (isSignedByOneOf(root, root, keys)) return;
  } catch (error) {
    if (!(error instanceof SecurityProblem)) throw error;
  }
  throw new UnknownKey(
    'the sign-out is not signed by the provider',
    'have it signed there with SHA-256, and compare its certificate with the metadata',
  );
}

function isSame(session: NamedSession | undefined, { nameId, indexes }: Logout): boolean {
  if (session === undefined || nameId === '' || session.nameId !== nameId) return false;
  return indexes.length === 0 || session.index === undefined || indexes.includes(session.index);
}

/** An identity provider's metadata, read again in time. */
export interface KnownProvider {
  /** Throws a SamlProblem where it cannot be read. */
  current(): Promise<IdpMetadata>;
  /** Once more from where it is, since a signature fits no key: keys are exchanged. The same if that was just done. */
  renewed(): Promise<IdpMetadata>;
}

const KEPT = 60 * 60_000;
/** A stranger must not make us fetch for each request. */
const AT_MOST_EVERY = 60_000;
const TIMEOUT = 10_000;

function knownProvider({
  metadata,
  trust,
}: Pick<SamlSettings, 'metadata' | 'trust'>): KnownProvider {
  const ask = briefly(trust === undefined ? undefined : trustingFetch(trust));
  let known: Promise<IdpMetadata> | undefined;
  let at = 0;
  const load = (): Promise<IdpMetadata> => {
    at = performance.now();
    const before = known;
    const loading = (isAddress(metadata) ? fetched(metadata, ask) : fromFile(metadata))
      .then(idpMetadata)
      .catch((error: unknown) => {
        // the provider may be away while people come back from it
        known = before;
        if (before !== undefined) return before;
        throw error;
      });
    known = loading;
    return loading;
  };
  const after = (time: number): Promise<IdpMetadata> =>
    known === undefined || performance.now() - at >= time ? load() : known;
  return {
    // read each time: the file is small, and replacing it must not need a restart
    current: () => after(isAddress(metadata) ? KEPT : 0),
    renewed: () => after(AT_MOST_EVERY),
  };
}

async function fromFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    // node's own error: it is gone, or may not be read
    throw new SamlProblem(`the metadata ${path} cannot be read`, 'put the file there again');
  });
}

async function fetched(address: string, ask: ProviderFetch): Promise<string> {
  const told = (why: string): SamlProviderAway =>
    new SamlProviderAway(
      `the metadata cannot be fetched from ${address}: ${why}`,
      'check the address and that it can be reached from here, and trust if it has an authority of your own; or save it as a file',
    );
  const answer = await ask(address, { signal: AbortSignal.timeout(TIMEOUT) }).catch(
    (error: unknown) => {
      const { cause, code, name } = error as {
        readonly cause?: { readonly code?: unknown };
        readonly code?: unknown;
        readonly name?: unknown;
      };
      // a time-out has a number there
      throw told(String(cause?.code ?? (typeof code === 'string' ? code : name)));
    },
  );
  if (!answer.ok) throw told(`status ${answer.status}`);
  return answer.text();
}
