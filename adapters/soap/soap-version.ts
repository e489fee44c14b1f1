import type { XmlElement } from 'waybill/document';

export type SoapVersion = '1.1' | '1.2';

interface VersionFacts {
  readonly namespace: string;
  readonly media: string;
  /** The namespace of the elements in a WSDL 1.1 that bind to it. */
  readonly binding: string;
  /** The attribute that says whom a header is for. */
  readonly role: string;
  /** Roles that every receiver at the end of the way has; `''` is that of a header without one. */
  readonly ownRoles: readonly string[];
}

/** SOAP 1.1 (W3C note of 2000) and SOAP 1.2 part 1 (2007). */
export const SOAP: Readonly<Record<SoapVersion, VersionFacts>> = {
  '1.1': {
    namespace: 'http://schemas.xmlsoap.org/soap/envelope/',
    media: 'text/xml',
    binding: 'http://schemas.xmlsoap.org/wsdl/soap/',
    role: 'actor',
    ownRoles: ['', 'http://schemas.xmlsoap.org/soap/actor/next'],
  },
  '1.2': {
    namespace: 'http://www.w3.org/2003/05/soap-envelope',
    media: 'application/soap+xml',
    binding: 'http://schemas.xmlsoap.org/wsdl/soap12/',
    role: 'role',
    ownRoles: [
      '',
      'http://www.w3.org/2003/05/soap-envelope/role/next',
      'http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver',
    ],
  },
};

const VERSIONS = ['1.1', '1.2'] as const;

/** The version whose envelope an element belongs to; undefined if it is none. */
export function versionOf({ uri }: Pick<XmlElement, 'uri'>): SoapVersion | undefined {
  return VERSIONS.find((version) => SOAP[version].namespace === uri);
}
