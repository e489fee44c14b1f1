import type { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../../adapter/certificate-facts.ts';
import { type MaterialFile, type MaterialItem, type ReadPart, refused } from './part.ts';
import { readParts } from './read-parts.ts';

/** What files of certificates and keys are. */
export interface KeyMaterial {
  readonly items: readonly (MaterialItem & { readonly file: string; readonly form: string })[];
  /** How the items belong together, and what is wrong with that; full sentences. */
  readonly notes: readonly string[];
}

/** Each certificate is compared with each other. */
const MOST = 60;

/**
 * Says what certificates and keys are, whatever they are written in: PEM, DER, PKCS#12, JWK, OpenSSH, PuTTY. Never gives
 * a private key, a secret or a passphrase. Rejects with CREDENTIAL_REFUSED for what is none of these, or cannot be opened.
 */
export async function keyMaterial(
  files: readonly MaterialFile[],
  now: number,
): Promise<KeyMaterial> {
  const read: (ReadPart & { readonly file: string })[] = [];
  for (const file of files) {
    for (const part of await readParts(file)) read.push({ ...part, file: file.name });
    if (read.length > MOST)
      throw refused(
        file,
        `and those before it hold more than ${MOST} certificates and keys`,
        'Name fewer files.',
      );
  }
  return {
    items: read.map(({ item, file, form }) => ({ ...item, file, form })),
    notes: [...expiryNotes(read, now), ...chainNotes(read), ...pairNotes(read)],
  };
}

interface Placed extends ReadPart {
  readonly file: string;
}

function expiryNotes(parts: readonly Placed[], now: number): string[] {
  return certificatesOf(parts).flatMap((one, index) => {
    const { notBefore, notAfter, subject } = certificateFacts(one);
    const name = `Certificate ${index + 1} (${subject})`;
    if (notAfter.getTime() < now) return [`${name} has expired.`];
    return notBefore.getTime() > now ? [`${name} is not valid yet.`] : [];
  });
}

const certificatesOf = (parts: readonly Placed[]): X509Certificate[] =>
  parts.flatMap(({ certificate }) => certificate ?? []);

/** Whether each certificate is followed by the one that issued it, as TLS wants them. */
function chainNotes(parts: readonly Placed[]): string[] {
  const all = certificatesOf(parts);
  const notes = all.flatMap((one, at) => {
    if (one.checkIssued(one) || isIssuedBy(one, all[at + 1])) return [];
    const issuer = all.findIndex((other) => isIssuedBy(one, other));
    if (issuer === -1) return missingIssuer(one, at + 1);
    return [
      `The chain is not in order: certificate ${at + 1} is issued by certificate ${issuer + 1}, which should come right after it.`,
    ];
  });
  const isWhole =
    all.length > 1 && all.slice(0, -1).every((one, at) => isIssuedBy(one, all[at + 1]));
  const order = `The chain is in order: each of the ${all.length} certificates is issued by the next.`;
  return isWhole ? [order, ...notes] : notes;
}

const isIssuedBy = (
  one: X509Certificate | undefined,
  other: X509Certificate | undefined,
): boolean =>
  one !== undefined && other !== undefined && one.checkIssued(other) && one.verify(other.publicKey);

function missingIssuer(one: X509Certificate, number: number): string[] {
  const { issuer } = certificateFacts(one);
  return [
    `The issuer of certificate ${number}, ${issuer}, is not here: a peer that knows only the root needs it, unless it is the root.`,
  ];
}

/** Which key belongs to which certificate. */
function pairNotes(parts: readonly Placed[]): string[] {
  const certificates = certificatesOf(parts);
  return parts.flatMap(({ privateKey, file, form }) => {
    if (privateKey === undefined || certificates.length === 0) return [];
    const at = certificates.findIndex((one) => one.checkPrivateKey(privateKey));
    const what = `The private key (${file}, ${form})`;
    if (at === -1) return [`${what} belongs to none of the certificates.`];
    const order = at === 0 ? '' : ', which should be the first of its chain';
    return [`${what} belongs to certificate ${at + 1}${order}.`];
  });
}
