import type { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../../adapter/certificate-facts.ts';
import { bad, good, type Setting } from '../../adapter/setting.ts';

/** One entry of an allow list: a name that a peer's certificate may have, or its fingerprint. */
export interface AllowedName {
  readonly kind: 'CN' | 'SAN' | 'SHA256';
  /** In the form used for comparison: lower case, fingerprints without colons. */
  readonly value: string;
}

/**
 * An entry of an allow list: `CN=epic.example`, a name after `DNS:`, `URI:` or `IP:`, or a
 * fingerprint after `SHA256:`.
 */
export const allowedName: Setting<AllowedName, string> = {
  kind: 'text',
  help: 'A name in the certificate (CN=epic.example, DNS:epic.example, URI:urn:epic, IP:10.0.0.7) or its SHA-256 fingerprint (SHA256:AB:CD:…).',
  example: 'CN=epic.example',
  read: (given) => {
    const name = typeof given === 'string' ? parse(given.trim()) : undefined;
    return name === undefined
      ? bad('must be CN=name, DNS:name, URI:name, IP:address or SHA256:fingerprint')
      : good(name);
  },
};

function parse(text: string): AllowedName | undefined {
  if (/^CN=./i.test(text)) return { kind: 'CN', value: text.slice(3).toLowerCase() };
  if (/^(DNS|URI|IP):./i.test(text)) return { kind: 'SAN', value: text.toLowerCase() };
  const fingerprint = text.replace(/^SHA-?256:/i, '').replaceAll(':', '');
  return /^[0-9a-f]{64}$/i.test(fingerprint)
    ? { kind: 'SHA256', value: fingerprint.toLowerCase() }
    : undefined;
}

/** Whether a certificate has one of the names. Comparison ignores case; there are no wildcards. */
export function isAllowed(names: readonly AllowedName[], certificate: X509Certificate): boolean {
  const { names: alternative, fingerprint } = certificateFacts(certificate);
  // The common name as node parsed it: parsing the subject's text could be tricked.
  const legacy = certificate.toLegacyObject();
  const common = [(legacy.subject as { CN?: string | string[] } | undefined)?.CN ?? []].flat();
  const carried: Readonly<Record<AllowedName['kind'], readonly string[]>> = {
    CN: common.map((name) => name.toLowerCase()),
    SAN: alternative.map((name) => name.toLowerCase()),
    SHA256: [fingerprint.toLowerCase()],
  };
  return names.some(({ kind, value }) => carried[kind].includes(value));
}
