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
    help: 'Who asks: a credential of kind oauth2 with provider generic, a client of ours at the server that gave out the tokens. Its issuer, authentication, trust, proxy and timeout are used.',
    kinds: ['oauth2'],
    example: 'hub-client',
  }),
  url: optional(
    url({
      help: "The introspection endpoint. Left out, it is taken from the discovery document of the client's issuer.",
      example: 'https://sso.hospital.example/oauth2/introspect',
    }),
  ),
  keepFor: duration({
    help: 'For how long an answer is kept at most: so long a token that was revoked may still be accepted. 0s asks for each request.',
    default: '30s',
  }),
  issuer: optional(text({ help: 'The only iss that is accepted.' })),
  audience: optional(text({ help: 'The aud that a token must have.' })),
};

export type IntrospectionValues = ValuesOf<typeof introspectionSettings>;

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Tokens and the proof of our client go there. */
export function introspectionProblems({ url: given }: IntrospectionValues): SettingProblem[] {
  return given === undefined || given.protocol === 'https:' || LOOPBACK.has(given.hostname)
    ? []
    : [{ path: ['url'], problem: 'must be an https address' }];
}
