import {
  credential,
  duration,
  optional,
  type SettingProblem,
  text,
  url,
  type ValuesOf,
} from '../../adapter/setting.ts';

/** The settings of a credential of kind `introspection`. */
export const introspectionSettings = {
  client: credential({
    help: 'Our client at the server that issued the tokens: a credential of kind oauth2 with provider generic. Its issuer, authentication, trust, proxy and timeout are used.',
    kinds: ['oauth2'],
    example: 'hub-client',
  }),
  url: optional(
    url({
      help: "The introspection endpoint. If left out, it is taken from the discovery document of the client's issuer.",
      example: 'https://sso.hospital.example/oauth2/introspect',
    }),
  ),
  keepFor: duration({
    help: 'How long an answer is kept at most: a revoked token may still be accepted for this long. 0s asks for each request.',
    default: '30s',
  }),
  issuer: optional(text({ help: 'The only iss that is accepted.' })),
  audience: optional(text({ help: 'The aud that a token must have.' })),
};

export type IntrospectionValues = ValuesOf<typeof introspectionSettings>;

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Tokens and the proof of our client are sent there. */
export function introspectionProblems({ url: given }: IntrospectionValues): SettingProblem[] {
  return given === undefined || given.protocol === 'https:' || LOOPBACK.has(given.hostname)
    ? []
    : [{ path: ['url'], problem: 'must be an https address' }];
}
