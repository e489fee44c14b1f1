import {
  createPrivateKey,
  createSign,
  createVerify,
  type KeyLike,
  X509Certificate,
} from 'node:crypto';
import { type CertificateCredential, DisableError } from 'waybill/adapter';
import type { SignatureAlgorithm, SignedXml } from 'xml-crypto';

export const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
export const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
export const ECDSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256';

/** RFC 4051 §2.3.6: the two numbers of the signature one after the other. */
class EcdsaSha256 implements SignatureAlgorithm {
  getAlgorithmName(): string {
    return ECDSA_SHA256;
  }

  getSignature(signed: string | Buffer, key: KeyLike): string {
    const signer = createSign('SHA256').update(signed);
    return signer.sign(
      { key: createPrivateKey(key as string), dsaEncoding: 'ieee-p1363' },
      'base64',
    );
  }

  verifySignature(signed: string, key: KeyLike, signature: string): boolean {
    const { publicKey } = new X509Certificate(key as string);
    const verifier = createVerify('SHA256').update(signed);
    return verifier.verify({ key: publicKey, dsaEncoding: 'ieee-p1363' }, signature, 'base64');
  }
}

/** Loaded by the first that signs or checks: few services do. */
export async function signedXml(
  options: ConstructorParameters<typeof SignedXml>[0],
): Promise<SignedXml> {
  const library = await import('xml-crypto');
  const made = new library.SignedXml({ ...options, idMode: 'wssecurity' });
  made.SignatureAlgorithms[ECDSA_SHA256] = EcdsaSha256;
  return made;
}

/** A key that signs, and its certificate. */
export interface SigningKey {
  readonly key: string;
  /** Base64 of the DER form. */
  readonly certificate: string;
  readonly algorithm: typeof RSA_SHA256 | typeof ECDSA_SHA256;
}

/** Throws a DisableError where the key cannot sign. */
export function signingKey({ certificate, key, passphrase }: CertificateCredential): SigningKey {
  const [own] = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(certificate) ?? [];
  const opened = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  const kind = opened.asymmetricKeyType;
  if (own === undefined || (kind !== 'rsa' && kind !== 'ec')) {
    throw new DisableError(
      `The key of security.certificate is of kind ${kind ?? 'unknown'}, which cannot sign XML. Name one with an RSA or elliptic key.`,
    );
  }
  return {
    key: opened.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: new X509Certificate(own).raw.toString('base64'),
    algorithm: kind === 'rsa' ? RSA_SHA256 : ECDSA_SHA256,
  };
}

/** The `Signature` element over the elements with these ids. `tokenId` is the id of the certificate in the same header. */
export async function signatureOver(
  envelope: string,
  ids: readonly string[],
  { key, tokenId }: { readonly key: SigningKey; readonly tokenId: string },
): Promise<string> {
  const signer = await signedXml({
    privateKey: key.key,
    signatureAlgorithm: key.algorithm,
    canonicalizationAlgorithm: EXCLUSIVE,
    getKeyInfoContent: () =>
      `<wsse:SecurityTokenReference><wsse:Reference URI="#${tokenId}"/></wsse:SecurityTokenReference>`,
  });
  for (const id of ids) {
    signer.addReference({
      xpath: `//*[@*[local-name(.)='Id']='${id}']`,
      transforms: [EXCLUSIVE],
      digestAlgorithm: SHA256,
    });
  }
  signer.computeSignature(envelope, { prefix: 'ds' });
  return signer.getSignatureXml();
}
