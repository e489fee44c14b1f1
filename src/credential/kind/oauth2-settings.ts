import {
  choice,
  credential,
  duration,
  group,
  list,
  optional,
  path,
  text,
  url,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { pem, secret, secretPem } from '../secret-setting.ts';

/** How client assertions are signed, by JOSE name. */
const ASSERTION_ALGORITHMS = {
  RS384: 'RSA, SHA-384: for SMART and Epic',
  ES384: 'Elliptic curve P-384: the other one SMART names',
  RS256: 'RSA, SHA-256',
  PS256: 'RSA-PSS, SHA-256',
  ES256: 'Elliptic curve P-256',
} as const;

const privateKeyJwt = group(
  {
    key: secretPem({ help: 'The private key that signs the assertion, PEM.' }),
    passphrase: optional(secret({ help: 'The passphrase of the key, if it is encrypted.' })),
    algorithm: choice(ASSERTION_ALGORITHMS, {
      help: 'How the assertion is signed; the key must be of that kind.',
      default: 'RS384',
    }),
    keyId: optional(
      text({
        help: "The key's id (kid) at the server. Default: the RFC 7638 thumbprint of the key, as in our own JWKS document.",
        advanced: true,
      }),
    ),
    audience: choice(
      {
        'token-url': 'The address of the token endpoint: SMART, Epic, most servers',
        issuer: "The server's issuer, for servers that insist on it",
      },
      { help: 'What the assertion names as its audience.', default: 'token-url', advanced: true },
    ),
    alsoPublish: list(pem({ help: 'A private or public key, PEM text or path.' }), {
      help: 'More keys for our JWKS document: the next key some days before it is used, the old one until nothing signed by it can still be valid.',
      advanced: true,
    }),
  },
  {
    help: 'Signs in with a signed assertion (private_key_jwt, SMART Backend Services, Epic). The public key is published in our JWKS document.',
  },
);

const federatedToken = group(
  {
    file: optional(
      path({
        help: 'File with the token, read for each request: Kubernetes and other platforms write it.',
        example: '/var/run/secrets/azure/tokens/azure-identity-token',
      }),
    ),
    environment: optional(
      text({
        help: 'Environment variable with the token.',
        example: 'OIDC_TOKEN',
      }),
    ),
  },
  {
    help: 'Entra: signs in with a token from another issuer that the application trusts (federated credential), so there is no secret at all.',
  },
);

const authentication = group(
  {
    secret: optional(secret({ help: "The client's secret: its value, not its id." })),
    secretIn: choice(
      {
        header: 'HTTP Basic, encoded as in RFC 6749 (client_secret_basic)',
        'header-unencoded': 'HTTP Basic with the plain secret, for servers that do not decode it',
        body: 'In the request form (client_secret_post)',
      },
      { help: 'Where the secret is sent (generic only).', default: 'header', advanced: true },
    ),
    certificate: optional(
      credential({
        help: 'Entra: a credential of kind certificate (RSA) that is registered with the application.',
        kinds: ['certificate'],
      }),
    ),
    federatedToken,
    privateKeyJwt,
    mutualTls: optional(
      credential({
        help: 'A credential of kind certificate that is used in the TLS handshake (tls_client_auth).',
        kinds: ['certificate'],
      }),
    ),
  },
  { help: 'How this client proves who it is. Exactly one way.' },
);

/** The settings of a credential of kind `oauth2`. */
export const oauth2Settings = {
  grant: choice(
    {
      'client-credentials': 'The engine signs in as itself, without a user',
      'jwt-bearer':
        'A signed assertion is exchanged for a token (RFC 7523, 2.1): Google service accounts, DocuSign, Salesforce, Box. The key is under privateKeyJwt',
    },
    { help: 'How the token is obtained.', default: 'client-credentials', advanced: true },
  ),
  provider: choice(
    {
      entra: 'Microsoft Entra ID',
      'azure-identity':
        'The managed identity of this machine or container, in Azure or with Azure Arc: no secret at all',
      generic: 'Any server that follows RFC 6749: Keycloak, Epic, PingFederate, Okta …',
    },
    { help: 'Who issues the token.', default: 'generic' },
  ),
  tenant: optional(
    text({
      help: "Entra: the tenant's id or one of its domains.",
      example: 'hospital.onmicrosoft.com',
    }),
  ),
  authority: url({
    help: 'Entra: the cloud. US government https://login.microsoftonline.us, China https://login.partner.microsoftonline.cn.',
    default: 'https://login.microsoftonline.com',
    advanced: true,
  }),
  issuer: optional(
    url({
      help: 'The address of the server (or FHIR base) below which its discovery document is found.',
      example: 'https://sso.hospital.example/realms/integration',
    }),
  ),
  tokenUrl: optional(
    url({
      help: 'The token endpoint itself, if there is no discovery document or it should not be used.',
      example: 'https://fhir.hospital.example/oauth2/token',
    }),
  ),
  clientId: text({
    help: "This client's id at the server. Only with azure-identity it may be left out, for the identity that belongs to the machine itself.",
    default: '',
  }),
  authentication,
  subject: optional(
    text({
      help: 'Whom the token is for (sub of the assertion), with grant jwt-bearer: the user that the application acts for. If left out, none is named, as for a Google service account itself.',
      advanced: true,
    }),
  ),
  scope: optional(
    text({
      help: 'What the token is for. Entra: the resource followed by /.default. Separate several with spaces.',
      example: 'https://graph.microsoft.com/.default',
    }),
  ),
  audience: optional(text({ help: 'Sent as audience, if the server wants it.', advanced: true })),
  resource: list(text({ help: 'A URI of a resource server.' }), {
    help: 'Resource servers the token is for (RFC 8707).',
    advanced: true,
  }),
  user: optional(
    text({
      help: 'The mailbox the token is used for, if the protocol needs its name (XOAUTH2).',
      example: 'lab@hospital.example',
    }),
  ),
  trust: optional(
    pem({
      help: 'Certificates (PEM, or path) of the authorities to trust for the token server, instead of the well-known public ones.',
    }),
  ),
  proxy: optional(
    url({ help: 'HTTP proxy to the token server.', example: 'http://proxy.hospital.example:3128' }),
  ),
  timeout: duration({
    help: 'How long one request to the token server may take.',
    default: '10s',
    advanced: true,
  }),
};

export type OAuth2Values = ValuesOf<typeof oauth2Settings>;
