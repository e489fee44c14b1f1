import type { XmlElement } from 'waybill/document';
import { ADDRESSING } from './addressing.ts';
import type { Envelope } from './envelope.ts';
import { SECURITY } from './security/username-token.ts';
import { SOAP } from './soap-version.ts';
import { attributeOf } from './xml.ts';

/** Headers for us that must be understood, but are not handled here. */
export function unknownHeaders({
  headers,
  version,
}: Pick<Envelope, 'headers' | 'version'>): readonly XmlElement[] {
  const { namespace, role, ownRoles } = SOAP[version];
  return headers.filter((header) => {
    const flag = attributeOf(header, 'mustUnderstand', namespace)?.trim();
    const forUs = ownRoles.includes(attributeOf(header, role, namespace)?.trim() ?? '');
    const isKnown = header.uri === ADDRESSING || header.uri === SECURITY;
    return (flag === '1' || flag === 'true') && forUs && !isKnown;
  });
}
