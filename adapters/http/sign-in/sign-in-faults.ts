import type { SettingsFault } from 'waybill/adapter';
import type { CallerValues, CorsPolicy } from 'waybill/peer/http-server';
import { directoryFaults, providerFaults } from 'waybill/peer/sign-in';
import type { SignInValues } from './sign-in-settings.ts';
import { smartFaults } from './smart/smart-faults.ts';

interface Beside {
  readonly signIn: SignInValues | undefined;
  readonly callers: readonly (CallerValues | undefined)[];
  readonly cors: CorsPolicy | undefined;
}

/** What is wrong between the settings of a sign-in and the others. */
export function signInFaults({ signIn, callers, cors }: Beside): SettingsFault[] {
  if (signIn === undefined) return [];
  const { key, users, ldap, oidc, smart, cookies, sameSite } = signIn;
  const faults: SettingsFault[] = [
    ...directoryFaults(ldap),
    ...providerFaults(oidc),
    ...smartFaults(smart, signIn),
  ];
  const fault = (path: readonly string[], what: string, remedy: string): void => {
    faults.push({ path: [...path], what, remedy });
  };
  if ([users, ldap, oidc, smart].every((one) => one === undefined)) {
    fault(['signIn'], 'nothing says who may sign in', 'Set users, ldap, oidc or smart.');
  }
  if (oidc !== undefined && cookies === 'none') {
    fault(
      ['signIn', 'cookies'],
      'a browser that comes back from the provider gets its tokens in cookies',
      'Set refresh or both.',
    );
  }
  if (!callers.some((one) => one?.verifier === key)) {
    faults.push({
      path: ['callers'],
      what: 'whoever signs in here is not among the callers',
      remedy: `Add one of kind bearer with verifier: ${key}.`,
      severity: 'warning',
    });
  }
  if (sameSite === 'none' && cookies !== 'none' && cors?.credentials !== true) {
    fault(
      ['signIn', 'sameSite'],
      'pages of other sites cannot send cookies without cors.credentials',
      'List their origins under cors.origins, and set credentials: true there.',
    );
  }
  return faults;
}
