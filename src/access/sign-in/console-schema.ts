import { closed, list, maybe, record, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { PERMISSIONS } from '../rights/principal.ts';
import { AlertsFile } from './alert-settings.ts';

const Text = Type.String({ minLength: 1, maxLength: 2_000 });
const Texts = list(Text, { maxItems: 200 });
/** `30m`, `12h`. */
const Duration = Type.String({ pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' });

/** How statements of others about a person are mapped to a name, roles and a scope. */
const mapping = {
  /** Claim or header with the name. */
  user: maybe(Text),
  /** Claim path, or header, with the groups or roles: `realm_access.roles`. */
  rolesFrom: maybe(Text),
  /** Group or role there → a role of Waybill. */
  roles: maybe(record(Text)),
  /** Given to everybody who signs in this way. */
  everybody: maybe(Texts),
  /** `tag:{facility}`: braces are replaced by the value of a claim or header. */
  scope: maybe(Texts),
};

const Oidc = closed({
  name: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
  title: maybe(Text),
  issuer: Text,
  clientId: Text,
  clientSecret: maybe(Text),
  /** File with the certificates (PEM) of the authorities to trust. */
  trust: maybe(Text),
  scopes: maybe(Texts),
  ...mapping,
});

const Ldap = closed({
  name: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
  /** `ldaps://dc1.example`, or `ldap://…` with `startTls`; tried in this order. */
  servers: Type.Array(Type.String({ pattern: '^ldaps?://[^/\\s?#@]+/?$' }), {
    minItems: 1,
    maxItems: 10,
  }),
  startTls: maybe(Type.Boolean()),
  /** File with the certificates (PEM) of the authorities to trust. */
  trust: maybe(Text),
  /** The name that the servers' certificate must have, if not the one connected to. */
  serverName: maybe(Text),
  timeout: maybe(Duration),
  /** The account that searches for the person, whose password is then tried. */
  account: maybe(Text),
  password: maybe(Text),
  /** Without an account: the person's own name there, `{user}@hospital.example` or `uid={user},ou=…`. */
  bindAs: maybe(Text),
  base: Text,
  /** Which entry is the person's; `{user}` is what was typed. */
  filter: maybe(Text),
  /** Groups that list their members; if left out, `memberOf` of the person counts. */
  groups: maybe(closed({ base: Text, filter: maybe(Text) })),
  /** Whether groups in groups count. */
  nested: maybe(Type.Boolean()),
  ...mapping,
});

const Saml = closed({
  name: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
  title: maybe(Text),
  /** The identity provider's metadata: an address, or a file. */
  metadata: Text,
  /** File with the certificates (PEM) of the authorities to trust for that address. */
  trust: maybe(Text),
  /** Our name there; the address of our metadata if left out. */
  entityId: maybe(Text),
  /** Files (PEM) with which requests are signed. */
  certificate: maybe(Text),
  key: maybe(Text),
  /** By how much clocks may differ. */
  clockSkew: maybe(Duration),
  /** Whether people may begin at the provider. */
  fromProvider: maybe(Type.Boolean()),
  ...mapping,
});

const Kerberos = closed({
  name: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
  title: maybe(Text),
  /** File with the keys of HTTP/<name of the console>. */
  keytab: Text,
  /** Whose keys count, if the keytab has more. */
  principal: maybe(Text),
  /** Whose people are taken; the realm of the keytab if left out. */
  realms: maybe(list(Text, { maxItems: 20 })),
  /** Whether names are taken in lower case. */
  ignoreCase: maybe(Type.Boolean()),
  /** By how much clocks may differ. */
  clockSkew: maybe(Duration),
  /** An entry of `ldap`, whose groups, roles and scope then count. */
  ldap: maybe(Text),
  ...mapping,
});

const Issuer = closed({
  issuer: Text,
  audience: Text,
  jwks: Text,
  /** File with the certificates (PEM) of the authorities to trust for `jwks`. */
  trust: maybe(Text),
  algorithms: Type.Array(
    word('RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'),
    { minItems: 1 },
  ),
  /** `header`, or `cookie:NAME`. */
  from: maybe(Type.Array(Type.String({ pattern: '^(header|cookie:[\\w.-]+)$' }), { minItems: 1 })),
  /** Scopes that the token must have, all of them. */
  requiredScopes: maybe(Texts),
  ...mapping,
});

const Header = closed({
  /** Addresses or networks of the proxies that are trusted to name the user. */
  from: Type.Array(Text, { minItems: 1 }),
  /** A header that only the proxy can set correctly, and its value. */
  secretHeader: maybe(Text),
  secret: maybe(Text),
  ...mapping,
});

/** Of properties, elements and attributes. */
const Names = Type.Array(Type.String({ pattern: '^[^/]+$' }));

/** `REF` or `REF-2`, of X12 or EDIFACT. */
const EdiPlaces = Type.Array(Type.String({ pattern: '^[A-Z][A-Z\\d]{1,2}(?:-\\d{1,2})?$' }));

/** `P` or `P-6`, of ASTM. */
const AstmPlaces = Type.Array(Type.String({ pattern: '^[A-Z](?:-\\d{1,3})?$' }));

/** `PatientID`, of DICOM. */
const Keywords = Type.Array(Type.String({ pattern: '^[A-Z][A-Za-z0-9]*$' }));

const Cors = closed({
  origins: Type.Array(Type.String({ pattern: '^https?://[^/*\\s]+$' }), { minItems: 1 }),
  headers: maybe(Texts),
  credentials: maybe(Type.Boolean()),
  maxAge: maybe(Duration),
});

/** `console.yaml` as it is written. Anything not declared here is an error. */
export const ConsoleFile = closed({
  publicUrl: maybe(Type.String({ pattern: '^https?://' })),
  passwords: maybe(Type.Boolean()),
  /** Who needs more than a password; local users may have a second factor in any case. */
  secondFactor: maybe(
    closed({
      /** Everybody, or those with one of these roles. */
      required: maybe(Type.Union([Type.Boolean(), Type.Array(Text, { maxItems: 50 })])),
      /** Whether people of a directory (`ldap`) have one here too. */
      ldap: maybe(Type.Boolean()),
    }),
  ),
  session: maybe(closed({ idle: maybe(Duration), absolute: maybe(Duration) })),
  roles: maybe(record(list(word(...PERMISSIONS)))),
  mask: maybe(
    closed({
      hl7: maybe(
        Type.Array(Type.String({ pattern: '^[A-Z][A-Z\\d]{2}(?:-\\d{1,3})?(?:[[.].*)?$' })),
      ),
      x12: maybe(EdiPlaces),
      edifact: maybe(EdiPlaces),
      astm: maybe(AstmPlaces),
      dicom: maybe(Keywords),
      json: maybe(Texts),
      xml: maybe(Texts),
      delimited: maybe(Texts),
      /** Shown although Waybill, which does not know it, would mask it. */
      shown: maybe(
        closed({
          hl7: maybe(Type.Array(Type.String({ pattern: '^[A-Z][A-Z\\d]{2}-\\d{1,3}$' }))),
          x12: maybe(EdiPlaces),
          edifact: maybe(EdiPlaces),
          astm: maybe(AstmPlaces),
          dicom: maybe(Keywords),
          json: maybe(Names),
          xml: maybe(Names),
          delimited: maybe(Texts),
        }),
      ),
    }),
  ),
  oidc: maybe(list(Oidc, { maxItems: 10 })),
  ldap: maybe(list(Ldap, { maxItems: 10 })),
  saml: maybe(list(Saml, { maxItems: 10 })),
  kerberos: maybe(list(Kerberos, { maxItems: 10 })),
  tokens: maybe(list(Issuer, { maxItems: 10 })),
  header: maybe(Header),
  cors: maybe(Cors),
  delegated: maybe(Text),
  rollbackAfter: maybe(Duration),
  /** Address of a trace in another system; `{traceId}` stands for its id. */
  traceUrl: maybe(Text),
  /** How many messages somebody may act on at once who lacks `message.bulk_unlimited`. */
  bulkLimit: maybe(Type.Integer({ minimum: 1, maximum: 100_000 })),
  /** Search fields whose values identify a patient. */
  patientFields: maybe(Texts),
  /** Other productions of the same NATS that this console shows too; `*` for all. */
  productions: maybe(Texts),
  /** Who is told of alerts. */
  alerts: maybe(AlertsFile),
});
export type ConsoleFile = Static<typeof ConsoleFile>;
export type OidcSettings = Static<typeof Oidc>;
export type LdapFile = Static<typeof Ldap>;
export type KerberosFile = Static<typeof Kerberos>;
export type SamlFile = Static<typeof Saml>;
export type IssuerSettings = Static<typeof Issuer>;
export type HeaderSettings = Static<typeof Header>;
export type IdentityMapping = Pick<
  OidcSettings,
  'user' | 'rolesFrom' | 'roles' | 'everybody' | 'scope'
>;
