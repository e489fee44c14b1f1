import type { TokenSource } from 'waybill/peer/http-server';
import type { Tell } from './faults.ts';
import { type DocumentNode, list, object, target } from './read-document.ts';

/** A security scheme of the document, in terms of `callers`. */
export interface DeclaredScheme {
  readonly name: string;
  readonly kind: 'api-key' | 'basic' | 'bearer' | 'certificate';
  /** Where the key is, according to the document. */
  readonly from: TokenSource | undefined;
}

export interface DeclaredNeed {
  readonly scheme: DeclaredScheme;
  readonly scopes: readonly string[];
  /** Where it is required. */
  readonly keys: readonly string[];
}

/** Needs by scheme name: alternatives of sets. Undefined if the document says nothing. */
export type DeclaredSecurity = readonly (readonly DeclaredNeed[])[];

/** What an operation requires of its caller, by its own declaration or that of the whole document. */
export function securityOf(
  document: DocumentNode,
  { operation, keys }: { readonly operation: DocumentNode; readonly keys: readonly string[] },
  tell: Tell,
): DeclaredSecurity | undefined {
  const isOwn = 'security' in operation;
  const declared = isOwn ? operation['security'] : document['security'];
  if (declared === undefined) return undefined;
  const above = [...(isOwn ? keys : []), 'security'];
  if (!Array.isArray(declared)) {
    tell(above, 'security must be a list', 'Write each alternative with a dash before it.');
    // If it cannot be read, the operation must not be open to everybody.
    return [];
  }
  return declared.map((alternative, at) => {
    const entry = [...above, String(at)];
    if (typeof alternative !== 'object' || alternative === null) {
      // As an alternative without a scheme, it would let everybody in.
      tell(entry, 'an entry of security must name its schemes', 'Write it as name: [scopes].');
    }
    return Object.entries(object(alternative)).flatMap(([name, scopes]) => {
      const place = [...entry, name];
      const scheme = declaredScheme(document, { name, keys: place }, tell);
      if (scheme === undefined) return [];
      return { scheme, keys: place, scopes: list(scopes).filter((one) => typeof one === 'string') };
    });
  });
}

const KINDS: Readonly<Record<string, string>> = {
  oauth2: 'bearer',
  openIdConnect: 'bearer',
  mutualTLS: 'certificate',
};

function declaredScheme(
  document: DocumentNode,
  { name, keys }: { readonly name: string; readonly keys: readonly string[] },
  tell: Tell,
): DeclaredScheme | undefined {
  const schemes = object(object(document['components'])['securitySchemes']);
  if (!Object.hasOwn(schemes, name)) {
    const known = Object.keys(schemes).join(', ');
    tell(
      keys,
      `the security scheme ${name} is not declared`,
      known === ''
        ? 'Declare it under components.securitySchemes.'
        : `Declare it under components.securitySchemes; there are ${known}.`,
    );
    return undefined;
  }
  const { $ref: reference } = object(schemes[name]) as { $ref?: unknown };
  const led = typeof reference === 'string' ? target(document, reference)?.value : schemes[name];
  const scheme = schemeIn(name, object(led));
  if (scheme !== undefined) return scheme;
  tell(
    ['components', 'securitySchemes', name],
    `the security scheme ${name} has a kind that cannot be enforced`,
    'Supported: apiKey, http basic, http bearer, oauth2, openIdConnect and mutualTLS.',
  );
  return undefined;
}

function schemeIn(name: string, declared: DocumentNode): DeclaredScheme | undefined {
  const { type, scheme, in: place, name: key } = declared as Readonly<Record<Fields, unknown>>;
  if (type === 'apiKey') {
    const isPlace = place === 'header' || place === 'cookie' || place === 'query';
    return isPlace && typeof key === 'string'
      ? { name, kind: 'api-key', from: { place, name: key } }
      : undefined;
  }
  const kind = type === 'http' ? String(scheme).toLowerCase() : KINDS[String(type)];
  return kind === 'basic' || kind === 'bearer' || kind === 'certificate'
    ? { name, kind, from: undefined }
    : undefined;
}

type Fields = 'type' | 'scheme' | 'in' | 'name';
