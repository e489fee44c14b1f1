import type { KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateFacts, certificateFacts } from '../../adapter/certificate-facts.ts';
import { EngineError } from '../../error/engine-error.ts';
import { type KeyFacts, keyFacts } from './key-facts.ts';

/** One certificate or key of a file, without anything that is secret. */
export type MaterialItem =
  | (CertificateFacts & {
      readonly kind: 'certificate';
      /** Whether it may issue others. */
      readonly authority: boolean;
      readonly selfSigned: boolean;
      readonly key: KeyFacts;
      /** What it may be used for: `server`, `client`, or an object identifier; empty for anything. */
      readonly usage: readonly string[];
    })
  | (KeyFacts & { readonly kind: 'private key' | 'public key'; readonly note: string | undefined })
  | {
      readonly kind: 'encrypted key' | 'secret key' | 'other';
      /** What it is. */
      readonly note: string;
    };

export interface MaterialFile {
  /** Its name, for notes and errors. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly passphrase?: string | undefined;
}

/** One part as it was read: the item, and what it is compared by. */
export interface ReadPart {
  readonly form: string;
  readonly item: MaterialItem;
  readonly certificate?: X509Certificate | undefined;
  readonly privateKey?: KeyObject | undefined;
}

export const refused = ({ name }: MaterialFile, what: string, remedy: string): EngineError =>
  new EngineError('CREDENTIAL_REFUSED', `${name} ${what}. ${remedy}`);

const USAGES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'server',
  '1.3.6.1.5.5.7.3.2': 'client',
  '1.3.6.1.5.5.7.3.3': 'code',
  '1.3.6.1.5.5.7.3.4': 'mail',
  '1.3.6.1.5.5.7.3.8': 'time stamps',
  '1.3.6.1.5.5.7.3.9': 'answers about revocation',
};

export const certificatePart = (certificate: X509Certificate, form: string): ReadPart => ({
  form,
  item: certificateItem(certificate),
  certificate,
});

function certificateItem(certificate: X509Certificate): MaterialItem {
  return {
    kind: 'certificate',
    ...certificateFacts(certificate),
    authority: certificate.ca,
    selfSigned: certificate.checkIssued(certificate),
    key: keyFacts(certificate.publicKey),
    usage: (certificate.keyUsage ?? []).map((one) => USAGES[one] ?? one),
  };
}

export const privateKeyPart = (privateKey: KeyObject, form: string, note?: string): ReadPart => ({
  form,
  item: { kind: 'private key', ...keyFacts(privateKey), note },
  privateKey,
});

export const publicKeyPart = (key: KeyObject, form: string, note?: string): ReadPart => ({
  form,
  item: { kind: 'public key', ...keyFacts(key), note },
});
