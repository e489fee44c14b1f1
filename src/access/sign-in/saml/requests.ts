import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { escaped } from '../../../document/xml/elements.ts';
import { parseXml } from '../../../document/xml/parse-xml.ts';
import {
  digestOf,
  EXCLUSIVE,
  isMethod,
  isSignedBy,
  SHA256,
  SIGNATURE,
  signedBy,
} from '../../../document/xml/signature/algorithms.ts';
import type { IdpMetadata } from './idp-metadata.ts';
import { ASSERTION, POST, PROTOCOL } from './names.ts';
import { SamlProblem } from './saml-problem.ts';
import type { OwnKey } from './saml-settings.ts';

interface Sent {
  readonly id: string;
  readonly destination: string;
  /** Our own name. */
  readonly issuer: string;
}

const opening = (name: string, { id, destination, issuer }: Sent, more = ''): string =>
  `<samlp:${name} xmlns:samlp="${PROTOCOL}" xmlns:saml="${ASSERTION}" ID="${id}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${escaped(destination)}"${more}><saml:Issuer>${escaped(issuer)}</saml:Issuer>`;

/** Asks the provider who somebody is. */
export const authnRequest = (sent: Sent, consumer: string): string =>
  `${opening('AuthnRequest', sent, ` AssertionConsumerServiceURL="${escaped(consumer)}" ProtocolBinding="${POST}"`)}<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>`;

/** Whose session it is, as the provider named it. */
export interface NamedSession {
  readonly nameId: string;
  /** Its attributes (`Format`, `NameQualifier` …), as they were. */
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly index: string | undefined;
}

export function logoutRequest(sent: Sent, { nameId, qualifiers, index }: NamedSession): string {
  const attributes = Object.entries(qualifiers).map(
    ([name, value]) => ` ${name}="${escaped(value)}"`,
  );
  const session =
    index === undefined ? '' : `<samlp:SessionIndex>${escaped(index)}</samlp:SessionIndex>`;
  return `${opening('LogoutRequest', sent)}<saml:NameID${attributes.join('')}>${escaped(nameId)}</saml:NameID>${session}</samlp:LogoutRequest>`;
}

export const logoutResponse = (sent: Sent, inResponseTo: string, status: string): string =>
  `${opening('LogoutResponse', sent, ` InResponseTo="${escaped(inResponseTo)}"`)}<samlp:Status><samlp:StatusCode Value="${status}"/></samlp:Status></samlp:LogoutResponse>`;

/** The address that carries a message to the provider, signed if there is a key. */
export function redirectWith(
  address: string,
  [kind, xml]: readonly ['SAMLRequest' | 'SAMLResponse', string],
  {
    own,
    relayState,
  }: { readonly own: OwnKey | undefined; readonly relayState?: string | undefined },
): URL {
  const parts: [string, string][] = [[kind, deflateRawSync(xml).toString('base64')]];
  if (relayState !== undefined) parts.push(['RelayState', relayState]);
  if (own !== undefined) parts.push(['SigAlg', own.algorithm]);
  const query = parts.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const signature =
    own === undefined
      ? ''
      : `&Signature=${encodeURIComponent(signedBy(own.key, own.algorithm, query))}`;
  return new URL(`${address}${address.includes('?') ? '&' : '?'}${query}${signature}`);
}

/** A message that carries its signature in itself, as POST wants it; the `Signature` stands behind the `Issuer`. */
export function signedMessage(xml: string, { key, certificate, algorithm }: OwnKey): string {
  const { element } = parseXml(xml);
  const id = element.attributes.find(({ name }) => name === 'ID')?.value ?? '';
  const digest = digestOf(element, { algorithm: SHA256 });
  // written in its canonical form, so that the text itself is what is signed
  const info = `<ds:SignedInfo xmlns:ds="${SIGNATURE}"><ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="${algorithm}"></ds:SignatureMethod><ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${SIGNATURE}enveloped-signature"></ds:Transform><ds:Transform Algorithm="${EXCLUSIVE}"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="${SHA256}"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`;
  const signature = `<ds:Signature xmlns:ds="${SIGNATURE}">${info}<ds:SignatureValue>${signedBy(key, algorithm, info)}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`;
  return xml.replace('</saml:Issuer>', () => `</saml:Issuer>${signature}`);
}

/** More than any message of a sign-out. */
const LONGEST = 256 * 1024;

/** The XML of a message that came in an address. Throws a SamlProblem. */
export function inflated(value: string): string {
  try {
    return inflateRawSync(Buffer.from(value, 'base64'), { maxOutputLength: LONGEST }).toString();
  } catch {
    // zlib's own error: cut off, too large, or something else
    throw new SamlProblem(
      'the message in the address cannot be read',
      'look at the provider’s log',
    );
  }
}

/** What an address carries, as it was signed. */
interface SignedQuery {
  readonly message: string;
  readonly relayState: string | undefined;
}

const SIGNED = ['SAMLRequest', 'RelayState', 'SigAlg'];

/**
 * The request in the query of an address, with its signature checked over the query as it was written (SAML bindings, 3.4.4.1).
 * What is read is what was signed: a name that comes twice, or is written with escapes, is refused. Throws a SamlProblem.
 *
 * @param query without the question mark
 */
export function signedQuery(query: string, { keys }: Pick<IdpMetadata, 'keys'>): SignedQuery {
  const pairs = query.split('&').map((pair) => [pair.split('=', 1)[0] ?? '', pair] as const);
  const parts = new Map(pairs);
  if (parts.size < pairs.length || pairs.some(([name]) => !/^\w+$/.test(name))) {
    throw new SamlProblem(
      'the address has a parameter twice, or one that is no name',
      'look at what stands between the provider and here; somebody may have tampered',
    );
  }
  const valueOf = (name: string): string | undefined => {
    const pair = parts.get(name);
    return pair === undefined ? undefined : unescaped(pair.slice(name.length + 1));
  };
  const algorithm = valueOf('SigAlg') ?? '';
  const text = SIGNED.flatMap((name) => parts.get(name) ?? []).join('&');
  const signature = Buffer.from(valueOf('Signature') ?? '', 'base64');
  const holds =
    isMethod(algorithm) && keys.some((key) => isSignedBy(key, algorithm, { text, signature }));
  if (holds) return { message: valueOf('SAMLRequest') ?? '', relayState: valueOf('RelayState') };
  throw new SamlProblem(
    'the sign-out is not signed by the provider',
    'have it signed there with SHA-256, and compare its certificate with the metadata',
  );
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'));
  } catch {
    // URIError: a % that begins nothing
    throw new SamlProblem('the address cannot be read', 'look at the provider’s log');
  }
}
