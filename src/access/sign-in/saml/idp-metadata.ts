import { type KeyObject, X509Certificate } from 'node:crypto';
import {
  attributeOf,
  childOf,
  childrenOf,
  trimmed,
  within,
} from '../../../document/xml/elements.ts';
import { parseXml } from '../../../document/xml/parse-xml.ts';
import { SIGNATURE } from '../../../document/xml/signature/algorithms.ts';
import type { XmlElement } from '../../../document/xml/tree.ts';
import { isLoopback } from '../../../web/networks.ts';
import { METADATA, POST, REDIRECT } from './names.ts';
import { SamlProblem } from './saml-problem.ts';

/** What an identity provider says of itself. */
export interface IdpMetadata {
  readonly entityId: string;
  /** One of these must have made a signature. */
  readonly keys: readonly KeyObject[];
  readonly signOn: Endpoint;
  readonly logout: Endpoint;
  /** Where answers to logout requests go, if elsewhere. */
  readonly logoutAnswer: string | undefined;
}

/** The addresses of a service, by binding. */
export interface Endpoint {
  readonly redirect: string | undefined;
  readonly post: string | undefined;
}

const REMEDY = 'export the metadata of the identity provider again';

/** Reads the metadata of an identity provider. Throws a SamlProblem. */
export function idpMetadata(text: string): IdpMetadata {
  const entity = entityIn(rootOf(text));
  const role = childOf(entity, METADATA, 'IDPSSODescriptor');
  const entityId = attributeOf(entity, 'entityID') ?? '';
  if (role === undefined || entityId === '') {
    throw new SamlProblem('it describes no identity provider', REMEDY);
  }
  const keys = keysOf(role);
  if (keys.length === 0) throw new SamlProblem('it has no certificate for signatures', REMEDY);
  const signOn = endpointOf(role, 'SingleSignOnService');
  if (signOn.redirect === undefined && signOn.post === undefined) {
    throw new SamlProblem('it has no address to sign in at by redirect or POST', REMEDY);
  }
  const answers = childrenOf(role, METADATA, 'SingleLogoutService');
  const answer = answers.find((one) => attributeOf(one, 'Binding') === REDIRECT);
  return {
    entityId,
    keys,
    signOn,
    logout: endpointOf(role, 'SingleLogoutService'),
    logoutAnswer: safe(answer && attributeOf(answer, 'ResponseLocation')),
  };
}

function rootOf(text: string): XmlElement {
  try {
    return parseXml(text).element;
  } catch {
    // the parser says where, which helps nobody in a generated file
    throw new SamlProblem('it is not well-formed XML', REMEDY);
  }
}

/** The entity itself, or the one identity provider of a federation's list. */
function entityIn(root: XmlElement): XmlElement {
  const all = [...within(root)].filter(
    (one) =>
      one.uri === METADATA &&
      one.local === 'EntityDescriptor' &&
      childOf(one, METADATA, 'IDPSSODescriptor') !== undefined,
  );
  const [first] = all;
  if (first === undefined) throw new SamlProblem('it describes no identity provider', REMEDY);
  if (all.length > 1) {
    throw new SamlProblem(
      `it describes ${all.length} identity providers`,
      'keep the EntityDescriptor of one',
    );
  }
  return first;
}

function keysOf(role: XmlElement): readonly KeyObject[] {
  const certificates = childrenOf(role, METADATA, 'KeyDescriptor')
    .filter((one) => attributeOf(one, 'use') !== 'encryption')
    .flatMap((one) => [...within(one)])
    .filter((one) => one.uri === SIGNATURE && one.local === 'X509Certificate');
  return certificates.map((one) => {
    try {
      return new X509Certificate(Buffer.from(trimmed(one), 'base64')).publicKey;
    } catch {
      // node's own error for what is no certificate
      throw new SamlProblem('a certificate in it cannot be read', REMEDY);
    }
  });
}

function endpointOf(role: XmlElement, local: string): Endpoint {
  const of = (binding: string): string | undefined => {
    const found = childrenOf(role, METADATA, local).find(
      (one) => attributeOf(one, 'Binding') === binding,
    );
    return safe(found && attributeOf(found, 'Location'));
  };
  return { redirect: of(REDIRECT), post: of(POST) };
}

/** Browsers are sent there: an address of the web, encrypted unless it is this machine. */
function safe(location: string | undefined): string | undefined {
  if (location === undefined || !URL.canParse(location)) return undefined;
  const { protocol, hostname } = new URL(location);
  const isPlain = protocol === 'http:' && isLoopback(hostname);
  return protocol === 'https:' || isPlain ? location : undefined;
}
