import { setting } from '../../adapter/index.ts';
import { block, type Fields } from '../form/block.ts';
import { many, shaped } from '../form/form.ts';
import { settingForm } from '../form/setting-form.ts';
import { variant } from '../form/variant.ts';

const needed = (help: string, example?: string) =>
  setting.text({ help, ...(example === undefined ? {} : { example }) });
const maybe = (help: string, example?: string) => setting.optional(needed(help, example));

const user = needed('The user name.');
const password = needed('The password, from ${secret:NAME}, ${env:NAME} or ${file:PATH}.');

const certificate = {
  certificate: needed('The certificate and its chain, PEM.', '${file:tls/hub.crt}'),
  key: needed('The private key, PEM.', '${file:tls/hub.key}'),
  passphrase: maybe('The passphrase of the key.'),
} as const satisfies Fields;

/** How an OAuth2 client proves who it is: one of the keys. */
const authentication = block({
  secret: maybe('The client secret.', '${secret:graph}'),
  certificate: {
    form: shaped<unknown>({
      scalar: settingForm(needed('The certificate with its key, PEM.')),
      block: block({
        ...certificate,
        thumbprint: maybe('The SHA-256 thumbprint, where it is not to be computed.'),
      }),
    }),
    help: 'A certificate registered with Entra.',
  },
  privateKeyJwt: {
    form: block({
      key: needed('The private key, PEM.'),
      passphrase: maybe('The passphrase of the key.'),
      keyId: maybe('The kid by which the server knows the key.'),
      algorithm: maybe('The signature algorithm.', 'RS384'),
      audience: maybe('The aud of the assertion, where it is not the token URL.'),
    }),
    help: 'A signed assertion (SMART backend services).',
  },
  mutualTls: {
    form: block(certificate),
    help: 'A client certificate in the TLS connection to the token endpoint.',
  },
});

const oauth2 = {
  grant: setting.choice(
    {
      'client-credentials': 'the engine signs in as itself',
      'refresh-token': 'a person signed in once; the engine keeps renewing',
      password: 'a user name and password, for servers that know nothing else',
    },
    { help: 'The OAuth2 grant.', default: 'client-credentials' },
  ),
  provider: setting.choice(
    { entra: 'Microsoft Entra ID, by tenant', generic: 'any server, by issuer or token URL' },
    { help: 'Who issues the token.', default: 'generic' },
  ),
  tenant: maybe('Of Entra: the tenant id.', '${env:TENANT_ID}'),
  authority: maybe('Of Entra: another cloud than the public one.'),
  issuer: maybe('Of a generic server: its issuer, where it publishes its endpoints.'),
  tokenUrl: maybe('Of a generic server: the token endpoint.'),
  clientId: needed('The id of the registered client.', '${env:CLIENT_ID}'),
  authentication: {
    form: authentication,
    help: 'secret, certificate, privateKeyJwt or mutualTls.',
  },
  scope: { form: many(settingForm(needed('A scope.'))), help: 'What the token is for.' },
  audience: maybe('The audience, where the server asks for one.'),
  resource: maybe('The resource, where the server asks for one (RFC 8707).'),
  user: maybe(
    'The mailbox or account the token is used for (XOAUTH2), or the user of a password grant.',
  ),
  password: maybe('The password of a password grant.'),
  refreshToken: maybe('The first refresh token of a refresh-token grant.'),
  trust: setting.optional(
    setting.path({ help: 'The CA file of the token endpoint.', example: 'tls/ca.pem' }),
  ),
} as const satisfies Fields;

/** One entry under `credentials`, by its kind. */
export const credentialForm = variant('kind', 'What kind of credential it is.', {
  basic: { user, password },
  ntlm: {
    user,
    password,
    domain: maybe('The Windows domain.'),
    workstation: maybe('The name of this computer, where the server asks for it.'),
  },
  'ssh-key': {
    user,
    privateKey: needed('The private key, OpenSSH or PEM.', '${file:/run/secrets/drop_key}'),
    passphrase: maybe('The passphrase of the key.'),
    password: maybe('A password, for servers that want both.'),
  },
  certificate,
  bearer: {
    token: needed('The token.', '${secret:api-token}'),
    user: maybe('The account the token is for.'),
  },
  oauth2,
});
