import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DisableError } from 'waybill/adapter';
import {
  algorithmOf,
  canonical,
  digestOf,
  exclusive,
  identified,
  isDigest,
  isMethod,
  isSignedBy,
  mismatch,
  only,
  prefixesIn,
  SecurityProblem,
  SIGNATURE,
  type XmlElement,
} from 'waybill/document';
import { type Envelope, UTILITY } from '../envelope.ts';
import { attributeOf, childOf, childrenOf, trimmed, within } from '../xml.ts';
import { SECURITY } from './username-token.ts';

const MOST_REFERENCES = 20;

/** A valid signature. */
export interface CheckedSignature {
  readonly signer: X509Certificate;
  /** Different in each signature: a message that is sent again has the same. */
  readonly value: string;
  /** Whether an element, as read here, is one of the signed ones. */
  covers(element: XmlElement): boolean;
}

/** Reads the certificates of `trust`. Throws a DisableError that names the file. */
export async function readTrust(path: string): Promise<readonly X509Certificate[]> {
  try {
    const text = await readFile(path, 'latin1');
    const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (found.length > 0) return found.map((pem) => new X509Certificate(pem));
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw new DisableError(
      `security.trust: the file ${path} cannot be read (${String(code)}). Put it there or correct the path.`,
    );
  }
  throw new DisableError(`security.trust: the file ${path} holds no CERTIFICATE in PEM form.`);
}

/**
 * Checks the one signature in a Security header. Throws a SecurityProblem. What it covers are elements of the envelope
 * as it was read here: a copy elsewhere, with the same id or content, is another element.
 */
export function checkSignature(
  { root }: Envelope,
  security: XmlElement,
  trust: readonly X509Certificate[],
): CheckedSignature {
  const [signature, ...more] = childrenOf(security, SIGNATURE, 'Signature');
  if (signature === undefined)
    throw new SecurityProblem('InvalidSecurity', 'the signature is missing');
  if (more.length > 0) throw new SecurityProblem('InvalidSecurity', 'there are several signatures');
  const info = only(signature, 'SignedInfo');
  const algorithm = algorithmOf(info, 'SignatureMethod', isMethod);
  const signer = trusted(signerOf(signature, security, trust), trust);
  const value = trimmed(only(signature, 'SignatureValue')).replaceAll(/\s/g, '');
  const text = [...canonical(info, prefixesIn(exclusive(info, 'CanonicalizationMethod')))].join('');
  const signed = { text, signature: Buffer.from(value, 'base64') };
  // before anything else of the envelope is read for the signature
  if (!isSignedBy(signer.publicKey, algorithm, signed)) throw mismatch();
  const covered = coveredBy(info, root);
  return { signer, value, covers: (element) => covered.has(element) };
}

/** The elements that the references name, each with its digest checked. */
function coveredBy(info: XmlElement, root: XmlElement): ReadonlySet<XmlElement> {
  const references = childrenOf(info, SIGNATURE, 'Reference');
  if (references.length > MOST_REFERENCES) {
    throw new SecurityProblem('InvalidSecurity', `it signs more than ${MOST_REFERENCES} parts`);
  }
  const named = identified(root);
  return new Set(
    references.map((reference) => {
      const uri = attributeOf(reference, 'URI') ?? '';
      const [element, ...more] = named.get(uri.slice(1)) ?? [];
      if (!uri.startsWith('#') || element === undefined) throw mismatch();
      if (more.length > 0) {
        throw new SecurityProblem('InvalidSecurity', 'two elements have the id of a signed part');
      }
      const inclusive = prefixesIn(exclusive(only(reference, 'Transforms'), 'Transform'));
      const algorithm = algorithmOf(reference, 'DigestMethod', isDigest);
      const digest = trimmed(only(reference, 'DigestValue')).replaceAll(/\s/g, '');
      if (digestOf(element, { algorithm, inclusive }) !== digest) throw mismatch();
      return element;
    }),
  );
}

/** The certificate that KeyInfo names: in the same header, in KeyInfo itself, or by its number or fingerprint in `trust`. */
function signerOf(
  signature: XmlElement,
  security: XmlElement,
  trust: readonly X509Certificate[],
): X509Certificate {
  const info = childOf(signature, SIGNATURE, 'KeyInfo');
  for (const element of info === undefined ? [] : within(info)) {
    const found = certificateIn(element, security, trust);
    if (found !== undefined) return found;
  }
  throw new SecurityProblem(
    'SecurityTokenUnavailable',
    'the key of the signature is not known here',
  );
}

function certificateIn(
  element: XmlElement,
  security: XmlElement,
  trust: readonly X509Certificate[],
): X509Certificate | undefined {
  if (element.uri === SECURITY && element.local === 'Reference') {
    const id = attributeOf(element, 'URI')?.slice(1);
    const token = childrenOf(security, SECURITY, 'BinarySecurityToken').find(
      (one) => attributeOf(one, 'Id', UTILITY) === id,
    );
    return token && certificateOf(trimmed(token));
  }
  if (element.uri === SECURITY && element.local === 'KeyIdentifier') {
    const wanted = Buffer.from(trimmed(element), 'base64').toString('hex');
    return trust.find((one) => createHash('sha1').update(one.raw).digest('hex') === wanted);
  }
  if (element.uri !== SIGNATURE) return undefined;
  if (element.local === 'X509Certificate') return certificateOf(trimmed(element));
  if (element.local !== 'X509SerialNumber') return undefined;
  const serial = trimmed(element);
  return trust.find(
    (one) => /^\d{1,60}$/.test(serial) && BigInt(`0x${one.serialNumber}`) === BigInt(serial),
  );
}

function certificateOf(text: string): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(text, 'base64'));
  } catch {
    // node's own error for something that is not a certificate
    throw new SecurityProblem('InvalidSecurityToken', 'the certificate cannot be read');
  }
}

/** The certificate if it is one of `trust` or issued by one, and valid now. */
function trusted(signer: X509Certificate, trust: readonly X509Certificate[]): X509Certificate {
  const now = Date.now();
  if (Date.parse(signer.validTo) < now || Date.parse(signer.validFrom) > now) {
    throw new SecurityProblem(
      'FailedAuthentication',
      'the certificate that signed is not valid now',
    );
  }
  const isKnown = trust.some(
    (one) =>
      one.fingerprint256 === signer.fingerprint256 ||
      (one.ca && signer.checkIssued(one) && signer.verify(one.publicKey)),
  );
  if (isKnown) return signer;
  throw new SecurityProblem(
    'FailedAuthentication',
    'the certificate that signed is not trusted here',
  );
}
