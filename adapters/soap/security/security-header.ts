import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateCredential, DisableError, type Lent, type setting } from 'waybill/adapter';
import { digestOf, EXCLUSIVE, methodFor, SHA256, SIGNATURE, signedBy } from 'waybill/document';
import { pemCertificates } from 'waybill/peer/tls';
import { BODY_ID, UTILITY, type Writing, written } from '../envelope.ts';
import { SOAP } from '../soap-version.ts';
import { attributeOf, readXml, within } from '../xml.ts';
import type { SecurityValues } from './security-settings.ts';
import { BASE64, SECURITY, usernameToken, X509 } from './username-token.ts';

/** The proofs of the sender. */
export interface Proofs {
  readonly account: { readonly user: string; readonly password: string } | undefined;
  readonly key: SigningKey | undefined;
}

/** Reads the credentials of a `security` block now. Throws the errors of `credential`. */
export async function proofsOf(
  { credential }: Pick<Lent<setting.Settings>, 'credential'>,
  security: Pick<SecurityValues, 'username' | 'certificate'> | undefined,
): Promise<Proofs> {
  const { username, certificate } = security ?? {};
  const account = username === undefined ? undefined : await credential(username);
  const key = certificate === undefined ? undefined : await credential(certificate);
  return {
    account: account?.kind === 'basic' ? account : undefined,
    key: key?.kind === 'certificate' ? signingKey(key satisfies CertificateCredential) : undefined,
  };
}

type Wanted = Pick<SecurityValues, 'proof' | 'sign' | 'timestamp' | 'mustUnderstand'>;

const TOKEN_ID = 'waybill-token';
const TIMESTAMP_ID = 'waybill-timestamp';
const USERNAME_ID = 'waybill-username';

interface Securing {
  readonly proofs: Proofs;
  readonly wanted: Wanted;
  /** The id of the body, if it has its own. */
  readonly bodyId?: string | undefined;
  /** The ids of headers that are signed as `addressing`. */
  readonly addressed: readonly string[];
}

/** The envelope with its headers and a `Security` header. */
export async function secured(
  writing: Writing,
  headers: string,
  securing: Securing,
): Promise<string> {
  const { proofs, wanted } = securing;
  const { version } = writing;
  const flag = wanted.mustUnderstand
    ? ` xmlns:env="${SOAP[version].namespace}" env:mustUnderstand="${version === '1.1' ? '1' : 'true'}"`
    : '';
  const opened = `${headers}<wsse:Security xmlns:wsse="${SECURITY}" xmlns:wsu="${UTILITY}"${flag}>${tokens(proofs, wanted, Date.now())}`;
  const closed = '</wsse:Security>';
  const { key } = proofs;
  const unsigned = written(writing, opened + closed);
  if (key === undefined) return unsigned;
  const signature = signatureOver(unsigned, idsOf(securing), { key, tokenId: TOKEN_ID });
  return written(writing, opened + signature + closed);
}

/** Certificate, time and user, as configured. */
function tokens({ key, account }: Proofs, { timestamp, proof }: Wanted, now: number): string {
  const created = new Date(now).toISOString();
  const parts: string[] = [];
  if (key !== undefined) {
    parts.push(
      `<wsse:BinarySecurityToken EncodingType="${BASE64}" ValueType="${X509}" wsu:Id="${TOKEN_ID}">${key.certificate}</wsse:BinarySecurityToken>`,
    );
  }
  if (timestamp !== undefined) {
    const expires = new Date(now + timestamp).toISOString();
    parts.push(
      `<wsu:Timestamp wsu:Id="${TIMESTAMP_ID}"><wsu:Created>${created}</wsu:Created><wsu:Expires>${expires}</wsu:Expires></wsu:Timestamp>`,
    );
  }
  if (account !== undefined)
    parts.push(usernameToken(account, { proof, created, id: USERNAME_ID }));
  return parts.join('');
}

/** The ids of the signed parts; missing parts are left out. */
function idsOf({ proofs, wanted, bodyId = BODY_ID, addressed }: Securing): readonly string[] {
  const { sign, timestamp } = wanted;
  return [
    ...(sign.includes('body') ? [bodyId] : []),
    ...(sign.includes('timestamp') && timestamp !== undefined ? [TIMESTAMP_ID] : []),
    ...(sign.includes('username') && proofs.account !== undefined ? [USERNAME_ID] : []),
    ...(sign.includes('addressing') ? addressed : []),
  ];
}

/** A key that signs, and its certificate. */
interface SigningKey {
  readonly key: KeyObject;
  /** Base64 of the DER form. */
  readonly certificate: string;
  readonly algorithm: string;
}

/** Throws a DisableError if the key cannot sign. */
function signingKey({ certificate, key, passphrase }: CertificateCredential): SigningKey {
  const [own] = pemCertificates(certificate);
  const opened = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  const algorithm = methodFor(opened);
  if (own === undefined || algorithm === undefined) {
    throw new DisableError(
      `The key of security.certificate is of kind ${opened.asymmetricKeyType ?? 'unknown'}, which cannot sign XML. Name one with an RSA or elliptic key.`,
    );
  }
  return {
    key: opened,
    certificate: new X509Certificate(own).raw.toString('base64'),
    algorithm,
  };
}

/** The `Signature` element over the elements with these ids. `tokenId` is the id of the certificate in the same header. */
function signatureOver(
  envelope: string,
  ids: readonly string[],
  { key: { key, algorithm }, tokenId }: { readonly key: SigningKey; readonly tokenId: string },
): string {
  const wanted = new Set(ids);
  const digests = new Map<string, string>();
  for (const element of within(readXml(Buffer.from(envelope)).root)) {
    const id = attributeOf(element, 'Id', UTILITY);
    if (id === undefined || !wanted.has(id)) continue;
    digests.set(id, digestOf(element, { algorithm: SHA256 }));
  }
  // written in its canonical form, so that exactly this text is signed
  const references = [...digests].map(
    ([id, digest]) =>
      `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${EXCLUSIVE}"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="${SHA256}"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`,
  );
  const content = `<ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="${algorithm}"></ds:SignatureMethod>${references.join('')}`;
  const info = `<ds:SignedInfo xmlns:ds="${SIGNATURE}">${content}</ds:SignedInfo>`;
  return `<ds:Signature xmlns:ds="${SIGNATURE}">${info}<ds:SignatureValue>${signedBy(key, algorithm, info)}</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#${tokenId}"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>`;
}
