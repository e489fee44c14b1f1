import type { SettingsFault } from '../../adapter/adapter.ts';
import * as setting from '../../adapter/setting.ts';
import { scopeMap } from './scope-map.ts';

const fields = {
  issuer: setting.url({
    help: 'The issuer, whose configuration is at .well-known/openid-configuration below it.',
    example: 'https://sso.hospital.example/realms/hospital',
  }),
  clientId: setting.text({ help: 'The client at the provider.', example: 'ward-portal' }),
  clientSecret: setting.optional(
    setting.credential({
      help: 'The secret of the client: a credential of kind bearer. Leave it out for a public client.',
      kinds: ['bearer'],
      example: 'portal-client',
    }),
  ),
  trust: setting.optional(
    setting.path({
      help: "The file with the authorities (PEM) that may have signed the provider's certificate; the public ones if left out.",
      example: 'tls/hospital-ca.crt',
    }),
  ),
  ask: setting.list(setting.text({ help: 'A scope.' }), {
    help: 'What is asked for besides openid.',
    default: ['profile', 'email'],
    advanced: true,
  }),
  user: setting.optional(
    setting.text({
      help: 'The claim with the name as whom they call. Default: preferred_username, or sub where there is none.',
    }),
  ),
  claims: setting.list(setting.text({ help: 'A claim, with dots between levels.' }), {
    help: 'Which of the provider’s claims are claims of the access token, by their names.',
    example: '["ward", "email"]',
  }),
  groupsFrom: setting.optional(
    setting.text({
      help: 'The claim with the groups or roles, with dots between levels. Somebody without it is refused, as the provider leaves it out where there are too many.',
      example: 'realm_access.roles',
    }),
  ),
  scopes: scopeMap,
  clockSkew: setting.duration({
    help: "By how much the provider's clock may differ.",
    default: '30s',
    advanced: true,
  }),
};

export const providerSettings = setting.group(fields, {
  help: 'Signs people in at an OpenID Connect provider (Keycloak, Entra ID and others): code with PKCE, for an app in a browser.',
});

export type ProviderValues = setting.ValuesOf<typeof fields>;

/** What is wrong with the settings beyond their shape. `at` is where they are. */
export function providerFaults(
  values: ProviderValues | undefined,
  at: readonly string[] = ['signIn', 'oidc'],
): readonly SettingsFault[] {
  if (values === undefined) return [];
  const { issuer, scopes, groupsFrom } = values;
  const faults: SettingsFault[] = [];
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(issuer.hostname);
  if (issuer.protocol !== 'https:' && !isHere) {
    faults.push({
      path: [...at, 'issuer'],
      what: 'codes and tokens would come without encryption',
      remedy: 'Write https://.',
    });
  }
  if (groupsFrom === undefined && scopes.some(({ group }) => group !== '*')) {
    faults.push({
      path: [...at, 'groupsFrom'],
      what: 'scopes name groups, but no claim says who is in them',
      remedy: 'Name the claim, such as groups or realm_access.roles.',
    });
  }
  return faults;
}
