import type { CertificateCredential, Lent, setting } from 'waybill/adapter';
import { BODY_ID, UTILITY, type Writing, written } from '../envelope.ts';
import { SOAP } from '../soap-version.ts';
import type { SecurityValues } from './security-settings.ts';
import { type SigningKey, signatureOver, signingKey } from './sign.ts';
import { BASE64, SECURITY, usernameToken, X509 } from './username-token.ts';

/** What proves who sends. */
export interface Proofs {
  readonly account: { readonly user: string; readonly password: string } | undefined;
  readonly key: SigningKey | undefined;
}

/** Reads the credentials of a `security` block now. Throws what `credential` throws. */
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
  /** That of the body, if it has its own. */
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

/** Certificate, time and user, as far as they are wanted. */
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

/** The ids of what is signed; what is not there is left out. */
function idsOf({ proofs, wanted, bodyId = BODY_ID, addressed }: Securing): readonly string[] {
  const { sign, timestamp } = wanted;
  return [
    ...(sign.includes('body') ? [bodyId] : []),
    ...(sign.includes('timestamp') && timestamp !== undefined ? [TIMESTAMP_ID] : []),
    ...(sign.includes('username') && proofs.account !== undefined ? [USERNAME_ID] : []),
    ...(sign.includes('addressing') ? addressed : []),
  ];
}
