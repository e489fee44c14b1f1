import { escaped } from '../../../document/xml/elements.ts';
import { SIGNATURE } from '../../../document/xml/signature/algorithms.ts';
import { METADATA, POST, PROTOCOL, REDIRECT } from './names.ts';
import type { OwnAddresses } from './saml-provider.ts';
import { ownKey, type SamlSettings } from './saml-settings.ts';

/** What the provider must know of us; to be imported there. Throws a SamlProblem if the certificate cannot be read. */
export function ownMetadata(settings: SamlSettings, own: OwnAddresses): string {
  const key = ownKey(settings);
  const descriptor =
    key === undefined
      ? ''
      : `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${SIGNATURE}"><ds:X509Data><ds:X509Certificate>${key.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
  const logout = [REDIRECT, POST].map(
    (binding) => `<md:SingleLogoutService Binding="${binding}" Location="${escaped(own.logout)}"/>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="${METADATA}" entityID="${escaped(settings.entityId ?? own.metadata)}"><md:SPSSODescriptor protocolSupportEnumeration="${PROTOCOL}" AuthnRequestsSigned="${key !== undefined}" WantAssertionsSigned="true">${descriptor}${logout.join('')}<md:AssertionConsumerService Binding="${POST}" Location="${escaped(own.consumer)}" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>
`;
}
