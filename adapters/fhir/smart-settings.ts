import { setting } from 'waybill/adapter';
import { authoritySettings } from './authority/authority-settings.ts';

const fields = {
  server: authoritySettings,
  tokenEndpoint: setting.optional(
    setting.url({
      help: 'Where applications get tokens from the authorization server, if it is another one than this service.',
      example: 'https://sso.hospital.example/oauth2/token',
    }),
  ),
  authorizationEndpoint: setting.optional(
    setting.url({
      help: 'Where people let an application in, for launches. If left out, only backend services get tokens.',
      example: 'https://sso.hospital.example/oauth2/authorize',
    }),
  ),
  issuer: setting.optional(
    setting.url({
      help: 'The issuer of identity tokens (OpenID Connect).',
      example: 'https://sso.hospital.example',
    }),
  ),
  jwks: setting.optional(setting.url({ help: "The address of the issuer's published keys." })),
  introspectionEndpoint: setting.optional(
    setting.url({ help: 'Where resource servers ask about tokens.', advanced: true }),
  ),
  revocationEndpoint: setting.optional(
    setting.url({ help: 'Where applications give tokens back.', advanced: true }),
  ),
  capabilities: setting.list(setting.text({ help: 'A capability of SMART.' }), {
    help: 'What the authorization server can do, in the words of SMART. Default: by the addresses above.',
    example: '["launch-standalone", "launch-ehr", "client-public"]',
    advanced: true,
  }),
  patientClaim: setting.text({
    help: 'The claim of a token that names the patient of patient/ scopes: an id, or Patient/ and an id.',
    default: 'patient',
    advanced: true,
  }),
};

/** SMART on FHIR at the facade. */
export const smartSettings = setting.optional(
  setting.group(fields, {
    help: 'SMART on FHIR: scopes of tokens such as patient/*.rs and user/Observation.read decide what a caller may do and whose resources they see, and applications find the authorization server at .well-known/smart-configuration.',
  }),
);

export type SmartValues = setting.ValuesOf<typeof fields>;
