import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DisableError, EngineError } from 'waybill/adapter';
import { parseXml, type XmlElement } from 'waybill/document';
import type { Envelope } from '../envelope.ts';
import { UTILITY } from '../envelope.ts';
import { attributeOf, childOf, childrenOf, standalone, trimmed, within } from '../xml.ts';
import { sameContent } from './same-content.ts';
import { SecurityProblem } from './security-problem.ts';
import { ECDSA_SHA256, EXCLUSIVE, RSA_SHA256, signedXml } from './sign.ts';
import { SECURITY } from './username-token.ts';

const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#';
const INCLUSIVE = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
const SHA2 = ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'];
const RSA_SHA512 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512';
const RSA_PSS = 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1';

/** What a signature may use: nothing that is broken (SHA-1), costs much (XPath, XSLT) or has a shared key. */
const METHODS = new Set([RSA_SHA256, RSA_SHA512, RSA_PSS, ECDSA_SHA256]);
const TRANSFORMS = new Set([EXCLUSIVE, INCLUSIVE]);
const MOST_REFERENCES = 20;
/** An envelope with more elements takes the library too long. */
const MOST_ELEMENTS = 20_000;

/** A signature that holds. */
export interface CheckedSignature {
  readonly signer: X509Certificate;
  /** What is different in each signature: a message that is sent again has the same. */
  readonly value: string;
  /** Whether an element, as it was read here, is one of those that were signed. */
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
 * Checks the one signature in a Security header. Throws a SecurityProblem. What it covers is told by content: an
 * element counts only if it is, as it was read here, the same as what was canonicalised and signed, wherever in the
 * envelope an attacker put that.
 */
export async function checkSignature(
  envelope: Envelope,
  security: XmlElement,
  trust: readonly X509Certificate[],
): Promise<CheckedSignature> {
  const [signature, ...more] = childrenOf(security, SIGNATURE, 'Signature');
  if (signature === undefined)
    throw new SecurityProblem('InvalidSecurity', 'the signature is missing');
  if (more.length > 0) throw new SecurityProblem('InvalidSecurity', 'there are several signatures');
  checkAlgorithms(signature);
  checkSize(envelope);
  const signer = trusted(signerOf(signature, security, trust), trust);
  const references = await verified(envelope, signature, signer);
  const value = childOf(signature, SIGNATURE, 'SignatureValue');
  const signed = references.map((text) => parseXml(text).element);
  return {
    signer,
    value: value === undefined ? '' : trimmed(value).replaceAll(/\s/g, ''),
    covers: (element) => signed.some((one) => sameContent(one, element)),
  };
}

async function verified(
  envelope: Envelope,
  signature: XmlElement,
  signer: X509Certificate,
): Promise<readonly string[]> {
  const checker = await signedXml({
    publicCert: signer.toString(),
    getCertFromKeyInfo: () => null,
  });
  try {
    checker.loadSignature(standalone(envelope, signature));
    if (checker.checkSignature(envelope.text)) return checker.getSignedReferences();
  } catch (error) {
    // the library throws plain errors that quote the document
    if (error instanceof EngineError) throw error;
  }
  throw new SecurityProblem('FailedCheck', 'the signature does not fit what it is for');
}

function checkSize({ root }: Envelope): void {
  let elements = 0;
  for (const _ of within(root)) {
    if (++elements > MOST_ELEMENTS) {
      throw new SecurityProblem(
        'UnsupportedAlgorithm',
        `a signed envelope may have ${MOST_ELEMENTS} elements at most`,
      );
    }
  }
}

function checkAlgorithms(signature: XmlElement): void {
  const infos = childrenOf(signature, SIGNATURE, 'SignedInfo');
  const [info] = infos;
  if (info === undefined || infos.length > 1) {
    throw new SecurityProblem('InvalidSecurity', 'the signature has not exactly one SignedInfo');
  }
  const references = childrenOf(info, SIGNATURE, 'Reference');
  if (references.length > MOST_REFERENCES) {
    throw new SecurityProblem('InvalidSecurity', `it signs more than ${MOST_REFERENCES} parts`);
  }
  for (const element of within(info)) {
    const algorithm = attributeOf(element, 'Algorithm');
    if (algorithm === undefined || isTaken(element.local, algorithm)) continue;
    const name = /[^#/]*$/.exec(algorithm)?.[0].replaceAll(/[^\w-]/g, '') ?? '';
    throw new SecurityProblem(
      'UnsupportedAlgorithm',
      `${name} is not accepted; sign with SHA-256 or SHA-512 and exclusive canonicalisation`,
    );
  }
}

function isTaken(element: string, algorithm: string): boolean {
  if (element === 'SignatureMethod') return METHODS.has(algorithm);
  if (element === 'DigestMethod') return SHA2.includes(algorithm);
  return TRANSFORMS.has(algorithm);
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
    // node's own error for what is no certificate
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
