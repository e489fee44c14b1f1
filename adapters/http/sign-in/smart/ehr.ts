import type { Lent, SignInTools, setting } from 'waybill/adapter';
import { type ProviderFetch, trustingFetch } from 'waybill/peer/basics';
import type { OidcClient } from 'waybill/peer/oidc';
import { providerClient } from 'waybill/peer/sign-in';
import type { EhrValues } from './smart-settings.ts';

export type EhrLent = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  /** Without it an app cannot sign its sign-in, as in a test without an engine. */
  readonly signIn?: SignInTools | undefined;
};

/** An EHR that launches the app. */
export interface Ehr {
  readonly values: EhrValues;
  /** The base address of its FHIR server, without a slash at its end. */
  readonly fhir: string;
  readonly client: () => Promise<OidcClient>;
  /** How its FHIR server is asked. */
  readonly ask: ProviderFetch;
}

/** One address in one spelling: with and without a slash at its end is the same. */
export const addressOf = (url: URL): string => url.href.replace(/\/+$/, '');

export function ehrOf(lent: EhrLent, values: EhrValues, path: string): Ehr {
  const { fhir, clientId, clientKey, clientSecret, trust, ask, clockSkew } = values;
  return {
    values,
    fhir: addressOf(fhir),
    ask: trust === undefined ? fetch : trustingFetch(trust),
    client: providerClient(
      lent,
      { issuer: fhir, clientId, clientSecret, trust, ask, clockSkew },
      `${path}/launched`,
      {
        name: 'signIn.smart.ehrs',
        isSmart: true,
        assertion: clientKey === undefined ? undefined : signedBy(lent, clientKey, clientId),
      },
    ),
  };
}

/** SMART allows five minutes. */
const LIFETIME = 240_000;

const signedBy =
  ({ signIn }: EhrLent, key: string, clientId: string) =>
  (tokenEndpoint: string): Promise<string> => {
    if (signIn === undefined) throw new TypeError('nothing is signed without an engine');
    const options = { lifetime: LIFETIME, audience: tokenEndpoint, issuer: clientId };
    return signIn.keys.sign(key, {}, { ...options, subject: clientId });
  };

/** The scopes of a launch: those of the other kind of launch mean nothing in it. */
export function scopesOf({ ask }: EhrValues, isFromEhr: boolean): string {
  const own = ask.filter((one) => (isFromEhr ? !/^launch(\/|$)/.test(one) : one !== 'launch'));
  return [...new Set(['openid', ...(isFromEhr ? ['launch'] : []), ...own])].join(' ');
}
