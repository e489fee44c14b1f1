import type { Refusal } from './aadsts.ts';

/** The error words of token endpoints: RFC 6749 §5.2, RFC 8707, and those that servers use besides. */
export const OAUTH2_ERRORS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  [
    'invalid_client',
    {
      cause: 'the server does not know this client, or its secret, key or certificate is not right',
      remedy:
        'Compare clientId and authentication with the registration; an assertion also fails if its key (kid) is not in our published JWKS, its audience differs or a clock is off',
    },
  ],
  [
    'unauthorized_client',
    {
      cause: 'this client may not use the grant, or not act for this subject',
      remedy: 'Have the grant allowed in its registration (Keycloak: service account roles)',
    },
  ],
  [
    'invalid_scope',
    {
      cause: 'the scope is unknown, malformed or not allowed for this client',
      remedy: 'Compare scope with what the registration allows',
    },
  ],
  [
    'invalid_target',
    {
      cause: 'the resource is unknown to the server or not allowed for this client',
      remedy: 'Compare resource and audience with the registration',
    },
  ],
  [
    'invalid_resource',
    {
      cause: 'the resource is unknown to the server',
      remedy: 'Compare scope, resource and audience with the registration',
    },
  ],
  [
    'unsupported_grant_type',
    {
      cause: 'the server does not offer client credentials',
      remedy: 'Check tokenUrl: it must be the token endpoint',
    },
  ],
  [
    'invalid_request',
    {
      cause: 'the server finds the request malformed',
      remedy: 'Check whether it wants audience, resource or scope, and the secret in the body',
    },
  ],
  [
    'invalid_grant',
    {
      cause: 'the server does not accept the assertion as a grant',
      remedy: 'Check privateKeyJwt and the registration',
    },
  ],
  [
    'access_denied',
    { cause: 'the server denies this client access', remedy: 'Ask those who run the server' },
  ],
  [
    'temporarily_unavailable',
    {
      cause: 'the server is overloaded or in maintenance',
      remedy: 'It is asked again by itself',
      retryable: true,
    },
  ],
  [
    'server_error',
    { cause: 'the server has a fault', remedy: 'It is asked again by itself', retryable: true },
  ],
  [
    'slow_down',
    {
      cause: 'the server is asked too often',
      remedy: 'It is asked again by itself; look for other programs that use this client id',
      retryable: true,
    },
  ],
]);
