import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateCredential, DisableError } from 'waybill/adapter';
import { UTILITY } from '../envelope.ts';
import { attributeOf, readXml, within } from '../xml.ts';
import { digestOf, EXCLUSIVE, methodFor, SHA256, SIGNATURE, signedBy } from './algorithms.ts';

/** A key that signs, and its certificate. */
export interface SigningKey {
  readonly key: KeyObject;
  /** Base64 of the DER form. */
  readonly certificate: string;
  readonly algorithm: string;
}

/** Throws a DisableError where the key cannot sign. */
export function signingKey({ certificate, key, passphrase }: CertificateCredential): SigningKey {
  const [own] = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(certificate) ?? [];
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
export function signatureOver(
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
  // written in its canonical form, so that the text itself is what is signed
  const references = [...digests].map(
    ([id, digest]) =>
      `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${EXCLUSIVE}"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="${SHA256}"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`,
  );
  const content = `<ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="${algorithm}"></ds:SignatureMethod>${references.join('')}`;
  const info = `<ds:SignedInfo xmlns:ds="${SIGNATURE}">${content}</ds:SignedInfo>`;
  return `<ds:Signature xmlns:ds="${SIGNATURE}">${info}<ds:SignatureValue>${signedBy(key, algorithm, info)}</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#${tokenId}"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>`;
}
